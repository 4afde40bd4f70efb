import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { join } from 'node:path'
import { describe, test } from 'node:test'
import { systemClock } from '../../src/std/clock.ts'

const clock = join(import.meta.dirname, '../../src/std/clock.ts')

/** What the clock of a new process says, as soon as it can say anything. */
const clockOfChild = (): number => {
  const script = `const { systemClock } = await import(${JSON.stringify(clock)}); console.log(systemClock.now())`
  return Number(execFileSync(process.execPath, ['--input-type=module', '-e', script], { encoding: 'utf8' }))
}

describe('systemClock.now() counts from the start of its own process, not of the machine', () => {
  test('a process that was just begun is no older than the time since it was spawned', () => {
    const spawned = performance.now()
    const age = clockOfChild()
    const passed = performance.now() - spawned
    assert.ok(age >= 0 && age <= passed, `it says ${age} ms within ${passed} ms`)
  })
  test('a parent is older than its child by what it had lived before', () => {
    const before = systemClock.now()
    const age = clockOfChild()
    const now = systemClock.now()
    assert.ok(before + age <= now, `a child of ${age} ms, spawned at ${before} ms and gone at ${now} ms`)
  })
  test('the wall clock is another one', () => {
    const [before, wall, after] = [Date.now(), systemClock.wall(), Date.now()]
    assert.ok(before <= wall && wall <= after)
    assert.ok(systemClock.now() < wall)
  })
})
