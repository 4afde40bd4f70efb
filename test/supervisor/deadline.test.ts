import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { startDeadline } from '../../src/supervisor/deadline.ts'

const day = 86_400_000

describe('startDeadline()', () => {
  const rows: readonly [claim: string, ms: number, passed: readonly number[], due: boolean][] = [
    ['is due when its time has passed', 2000, [1000, 1000], true],
    ['is not due before', 2000, [1000, 999], false],
    ['counts a day in which we were stopped as two seconds', 10_000, [day], false],
    ['leaves the engine a second when we were stopped shortly before its end', 4000, [1000, 3000], false],
    ['comes to its end though we are stopped again and again', 4000, [day, day], true],
  ]
  for (const [claim, ms, passed, due] of rows)
    test(claim, ({ mock }) => {
      mock.timers.enable({ apis: ['setTimeout'] })
      let [now, calls] = [0, 0]
      startDeadline(ms, { now: () => now, wall: () => now }, () => calls++)
      for (const step of passed) {
        now += step
        mock.timers.tick(step)
      }
      assert.equal(calls, due ? 1 : 0)
    })

  test('is never due once it was called off, in any of its slices', ({ mock }) => {
    mock.timers.enable({ apis: ['setTimeout'] })
    let [now, calls] = [0, 0]
    const callOff = startDeadline(2000, { now: () => now, wall: () => now }, () => calls++)
    now += 1000
    mock.timers.tick(1000)
    callOff()
    now += 5000
    mock.timers.tick(5000)
    assert.equal(calls, 0)
  })
})
