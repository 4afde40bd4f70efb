import assert from 'node:assert/strict'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { parse } from '../../src/config/parse.ts'
import { machineOf } from '../../src/serve/machine.ts'
import { Failure } from '../../src/std/failure.ts'
import { mi300x } from '../fixtures/hardware/machines.ts'
import { writeTree } from '../fixtures/hardware/tree.ts'

const machineAt = (root: string) => {
  const environment = { AIM_SYSFS_ROOT: root }
  return machineOf(parse(environment, () => ({ ok: false, code: 'ENOENT' })).options, environment)
}

test('machineOf() refuses a captured tree that is no directory instead of finding no GPU in it', async () => {
  const directory = mkdtempSync(join(tmpdir(), 'aim-machine-'))
  try {
    const archive = join(directory, 'capture.tar.gz')
    writeFileSync(archive, '')
    for (const root of [archive, join(directory, 'absent')])
      await assert.rejects(machineAt(root), (error) => error instanceof Failure && error.exitCode === 78 && error.message.includes(root))
    writeTree(mi300x(1), join(directory, 'tree'))
    assert.equal((await machineAt(join(directory, 'tree'))).gpus.length, 1)
  } finally {
    rmSync(directory, { recursive: true, force: true })
  }
})
