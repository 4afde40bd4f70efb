import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { open } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { patientFiles } from '../../src/hardware/patient-files.ts'

test('patientFiles() reads files, bytes, directories and links below its root, and answers with error codes', async (t) => {
  const root = mkdtempSync(join(tmpdir(), 'aim-patient-'))
  t.after(() => rmSync(root, { recursive: true, force: true }))
  writeFileSync(join(root, 'a'), Buffer.from([0x31, 0xff]))
  symlinkSync('a', join(root, 'link'))
  const files = patientFiles(root)
  assert.deepEqual(await files.readText('/a'), { ok: true, value: '1\ufffd' })
  assert.deepEqual(await files.readBytes('/a'), { ok: true, value: Buffer.from([0x31, 0xff]) })
  const listed = await files.list('/')
  assert.deepEqual(listed.ok && [...listed.value].sort(), ['a', 'link'])
  assert.deepEqual(await files.readLink('/link'), { ok: true, value: 'a' })
  assert.deepEqual(await files.readText('/none'), { ok: false, code: 'ENOENT' })
  assert.deepEqual(await files.readText('/'), { ok: false, code: 'EISDIR' })
})

test('patientFiles() gives up on a read that hangs, asks nothing more while it hangs, and goes on after it', async (t) => {
  const root = mkdtempSync(join(tmpdir(), 'aim-patient-'))
  t.after(() => rmSync(root, { recursive: true, force: true }))
  writeFileSync(join(root, 'a'), '1\n')
  // To open a FIFO for reading waits for a writer, as an attribute may wait for a reset.
  execFileSync('mkfifo', [join(root, 'hangs')])
  const files = patientFiles(root, 20)
  assert.deepEqual(await files.readText('/hangs'), { ok: false, code: 'ETIMEDOUT' })
  assert.deepEqual(await files.readText('/a'), { ok: false, code: 'ETIMEDOUT' })
  await (await open(join(root, 'hangs'), 'w')).close()
  let again = await files.readText('/a')
  while (!again.ok) again = await new Promise((resolve) => setImmediate(() => resolve(files.readText('/a'))))
  assert.deepEqual(again, { ok: true, value: '1\n' })
})
