import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { openError } from '../../src/hardware/open-kfd.ts'

test('openError() tells the error of open(2), that it hangs, or nothing', async (t) => {
  const directory = mkdtempSync(join(tmpdir(), 'aim-open-'))
  t.after(() => rmSync(directory, { recursive: true, force: true }))
  // Opening a socket fails as a device without a driver does.
  const socket = join(directory, 'socket')
  const server = createServer().listen(socket)
  await once(server, 'listening')
  t.after(() => server.close())
  const fifo = join(directory, 'fifo')
  execFileSync('mkfifo', [fifo])
  assert.equal(await openError('/dev/null'), undefined)
  assert.equal(await openError(join(directory, 'absent')), 'ENOENT')
  assert.equal(await openError(socket), 'ENXIO')
  assert.equal(await openError(fifo, 50), 'ETIMEDOUT')
})
