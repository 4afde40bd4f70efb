import assert from 'node:assert/strict'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { runAmdSmi } from '../../src/hardware/run-amd-smi.ts'

/** Puts an amd-smi that is this shell script first on PATH. */
const install = (t: TestContext, script: string): string => {
  const directory = mkdtempSync(join(tmpdir(), 'aim-smi-'))
  const before = process.env.PATH
  writeFileSync(join(directory, 'amd-smi'), `#!/bin/sh\n${script}\n`, { mode: 0o755 })
  process.env.PATH = `${directory}:${before}`
  t.after(() => {
    process.env.PATH = before
    rmSync(directory, { recursive: true, force: true })
  })
  return directory
}

test('runAmdSmi() gives what it wrote, and hands it none of our secrets', async (t) => {
  process.env.HF_TOKEN = 'secret'
  t.after(() => {
    delete process.env.HF_TOKEN
  })
  install(t, 'echo "$1 $2 [$HF_TOKEN]"')
  assert.deepEqual(await runAmdSmi(['list', '--json']), { ok: true, value: 'list --json []\n' })
})

test('runAmdSmi() answers with a code when it fails, when it hangs and when it never stops talking', async (t) => {
  install(t, 'case $1 in fail) echo x; exit 2;; talk) exec yes;; *) exec sleep 1000;; esac')
  assert.deepEqual(await runAmdSmi(['fail']), { ok: false, code: 'EIO' })
  assert.deepEqual(await runAmdSmi(['talk']), { ok: false, code: 'EFBIG' })
  assert.deepEqual(await runAmdSmi(['hang'], 50), { ok: false, code: 'ETIMEDOUT' })
})

test('runAmdSmi() kills one that hangs', async (t) => {
  const directory = install(t, `echo $$ > "$(dirname "$0")/pid"; trap '' TERM; while :; do sleep 1000; done`)
  const late = runAmdSmi(['hang'], 2000)
  assert.deepEqual(await late, { ok: false, code: 'ETIMEDOUT' })
  const pid = Number(readFileSync(join(directory, 'pid'), 'utf8'))
  let alive = true
  while (alive) {
    await new Promise(setImmediate)
    try {
      alive = process.kill(pid, 0)
    } catch {
      alive = false
    }
  }
})

test('runAmdSmi() answers ENOENT where there is none', async (t) => {
  const before = process.env.PATH
  t.after(() => {
    process.env.PATH = before
  })
  process.env.PATH = '/nonexistent'
  assert.deepEqual(await runAmdSmi(['list']), { ok: false, code: 'ENOENT' })
})
