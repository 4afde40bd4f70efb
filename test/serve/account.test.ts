import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { chmodSync, mkdirSync, mkdtempSync, rmSync, statSync, symlinkSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, test } from 'node:test'

const account = join(import.meta.dirname, '../../src/serve/account.ts')
const uid = process.getuid?.() ?? 0

/** The fallback home that a process of its own finds when `prepare` has been in its temporary directory first. */
const fallbackAfter = (prepare: (path: string) => void) => {
  const directory = mkdtempSync(join(tmpdir(), 'aim-account-'))
  const usual = join(directory, `aim-home-${uid}`)
  prepare(usual)
  const script = `const { readAccount } = await import(${JSON.stringify(account)}); console.log(readAccount(undefined).fallbackHome)`
  const { stdout } = spawnSync(process.execPath, ['--input-type=module', '-e', script], { env: { TMPDIR: directory } })
  const found = stdout.toString().trim()
  const mode = statSync(found).mode & 0o777
  rmSync(directory, { recursive: true })
  return { taken: found === usual, beside: found.startsWith(`${usual}-`), mode }
}

describe('readAccount() without a home that can be written to', () => {
  test('makes one for its uid alone', () =>
    assert.deepEqual(
      fallbackAfter(() => undefined),
      { taken: true, beside: false, mode: 0o700 },
    ))
  test('takes the one that it made before', () => assert.equal(fallbackAfter((path) => mkdirSync(path, { mode: 0o700 })).taken, true))
  test('does not trust one that others may write to', () =>
    assert.deepEqual(
      fallbackAfter((path) => {
        mkdirSync(path)
        chmodSync(path, 0o777)
      }),
      { taken: false, beside: true, mode: 0o700 },
    ))
  test('does not trust a link that somebody put there', () =>
    assert.deepEqual(
      fallbackAfter((path) => symlinkSync('/var', path)),
      { taken: false, beside: true, mode: 0o700 },
    ))
})
