import assert from 'node:assert/strict'
import { closeSync, existsSync, mkdtempSync, openSync, readdirSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, test } from 'node:test'
import { lockAt, makeLocked, type Opened } from '../../src/std/flock.ts'
import { openLibc } from '../../src/std/libc.ts'

describe('makeLocked()', () => {
  if (openLibc() === undefined) {
    test('needs node:ffi', (t) => t.diagnostic('it is not here: these checks did not run'))
    return
  }
  const remove = ({ path, fd }: Opened): void => {
    rmSync(path, { force: true })
    closeSync(fd)
  }
  const rows: readonly [claim: string, sweeper: (path: string, time: number) => number | undefined, name: string, locked: boolean][] = [
    ['gives the first one when nobody sweeps', () => undefined, '0', true],
    ['gives the second when a sweeper has locked the first', (path, time) => (time === 0 ? lockedBy(path) : undefined), '1', true],
    ['gives the third when a sweeper has removed two', (path, time) => (time < 2 ? removed(path) : undefined), '2', true],
    ['gives the third unlocked when all are locked: the kernel locks nothing then', lockedBy, '2', false],
  ]
  for (const [claim, sweeper, name, locked] of rows)
    test(claim, () => {
      const directory = mkdtempSync(join(tmpdir(), 'aim-flock-'))
      const theirs: number[] = []
      let time = 0
      const made = makeLocked(() => {
        const path = join(directory, String(time))
        const fd = openSync(path, 'wx')
        const lock = sweeper(path, time++)
        if (lock !== undefined) theirs.push(lock)
        return { path, fd }
      }, remove)
      assert.deepEqual([made.path, made.locked, existsSync(made.path)], [join(directory, name), locked, true])
      assert.deepEqual(readdirSync(directory), [name])
      for (const fd of [...theirs, made.fd]) closeSync(fd)
      rmSync(directory, { recursive: true })
    })

  test('makes one where a lock means nothing, and says that it is not locked', () => {
    let times = 0
    const made = makeLocked(
      () => {
        times++
        return { path: '/proc/self/status', fd: openSync('/proc/self/status', 'r') }
      },
      () => assert.fail('it was removed'),
    )
    assert.deepEqual([times, made.locked], [1, false])
    closeSync(made.fd)
  })
})

/** The lock of a sweeper. */
function lockedBy(path: string): number {
  const fd = openSync(path, 'r')
  assert.equal(lockAt(fd, path), true)
  return fd
}

/** What a sweeper leaves: nothing, and no lock. */
function removed(path: string): undefined {
  rmSync(path)
}
