import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { firstLook, type Look, observe, type Watchdog } from '../../src/supervisor/watchdog.ts'
import { generator } from '../random.ts'

const limits = { stallMs: 60_000, canaryMs: 30_000 }

/** A look every five seconds, as a change to the one before; the look that stalls and those that ask for a canary, in seconds. */
type Change = Partial<Omit<Look, 'at'>> & { readonly afterMs?: number }
const story = (
  changes: readonly Change[],
  under = limits,
): { readonly stalledAt: number | undefined; readonly canariesAt: readonly number[] } => {
  let look: Look = { at: 0, cores: { 0: { inFlight: 0, progress: '0' } }, front: 0, suspended: false, signs: 0, canary: false }
  let dog: Watchdog = firstLook(look)
  const canariesAt: number[] = []
  for (const { afterMs = 5000, ...change } of changes) {
    look = { ...look, ...change, at: look.at + afterMs }
    const verdict = observe(dog, look, under)
    dog = verdict.next
    if (verdict.sendCanary) canariesAt.push(look.at / 1000)
    if (verdict.stalled !== undefined) return { stalledAt: look.at / 1000, canariesAt }
  }
  return { stalledAt: undefined, canariesAt }
}

const times = (count: number, change: (index: number) => Change): readonly Change[] =>
  Array.from({ length: count }, (_, index) => change(index))
const core = (inFlight: number, progress: string | number): Pick<Look, 'cores'> => ({
  cores: { 0: { inFlight, progress: String(progress) } },
})

describe('observe()', () => {
  const rows: readonly [claim: string, changes: readonly Change[], stalledAt: number | undefined, canariesAt: readonly number[]][] = [
    ['work and no step for the whole time is a stall, without a canary', times(30, () => core(1, 7)), 65, []],
    ['work that moves at every look is none, however long it takes', times(500, (index) => core(9, index)), undefined, []],
    ['one step just before the limit begins the time anew', times(24, (index) => core(1, index < 12 ? 7 : 8)), undefined, []],
    ['a queue that does not get shorter is no stall while steps are taken', times(500, (index) => core(900, index)), undefined, []],
    ['a long prefill that shows in the cache alone is none', times(500, (index) => core(1, `kv=${0.001 * index}`)), undefined, []],
    ['an idle engine that answers its canaries is none', answered(200), undefined, canaryTimes(200)],
    ['a core frozen while idle gives no answer to its canary', [...times(6, () => ({})), ...times(30, () => ({ canary: true }))], 95, [30]],
    [
      'requests that only the API server counts are doubted, then confirmed by a canary without an answer',
      [...times(6, () => ({ front: 1 })), ...times(30, () => ({ front: 2, canary: true }))],
      65,
      [30],
    ],
    ['a count that forgot to go down is no stall of an engine that answers canaries', leaking(300), undefined, leakTimes(300)],
    ['canaries that are refused come at a low rate', refused(24), undefined, [30, 70, 110]],
    ['a sleeping engine has nothing to do', times(300, () => ({ suspended: true, front: 1 })), undefined, []],
    [
      'waking up begins the time anew',
      [...times(30, () => ({ suspended: true, ...core(1, 3) })), ...times(12, () => ({ suspended: false, ...core(1, 3) }))],
      undefined,
      [],
    ],
    ['kernels that are built while requests wait are work', times(300, (index) => ({ ...core(1, 7), signs: index })), undefined, []],
    [
      'time in which we were stopped ourselves counts for one look',
      [...times(6, () => core(1, 7)), { ...core(1, 7), afterMs: 86_400_000 }, ...times(2, () => core(1, 7)), { ...core(1, 8) }],
      undefined,
      [],
    ],
    [
      'one frozen core among several that work is a stall',
      times(30, (index) => ({ cores: { 0: { inFlight: 2, progress: String(index) }, 1: { inFlight: 2, progress: 'x' } } })),
      65,
      [],
    ],
    [
      'one that is idle and frozen among several that work gives no answer to a canary of its own',
      [...times(7, (index) => two(2, index)), ...times(30, (index) => ({ ...two(2, 10 + index), canary: true, asked: '1' }))],
      100,
      [35],
    ],
    [
      'one that is idle among several that work, and answers, is none',
      [two(2, -1), ...asking(80, (index, answers) => two(2, index, answers))],
      undefined,
      canaryTimes(80).map((seconds) => seconds + 5),
    ],
    [
      'an answer of one core is no step of another that has work',
      asking(80, (_, answers) => ({
        cores: { 0: { inFlight: 2, progress: 'x' }, 1: { inFlight: 0, progress: String(answers) } },
      })),
      65,
      [],
    ],
    [
      'an engine that tells nothing is judged by its canaries',
      [...times(6, () => ({ cores: {}, front: undefined })), ...times(30, () => ({ canary: true }))],
      95,
      [30],
    ],
  ]
  for (const [claim, changes, stalledAt, canariesAt] of rows) test(claim, () => assert.deepEqual(story(changes), { stalledAt, canariesAt }))

  test('an idle engine is left alone when that was asked for', () => {
    assert.deepEqual(
      story(
        times(500, () => ({})),
        { ...limits, canaryMs: 0 },
      ),
      { stalledAt: undefined, canariesAt: [] },
    )
  })
  test('a count in front of the cores alone is no stall while no canary waits for its answer', () =>
    assert.equal(story(times(100, () => ({ front: 1 }))).stalledAt, undefined))
  test('a doubt asks for a canary all the same', () => {
    assert.deepEqual(
      story(
        times(12, () => ({ front: 1 })),
        { ...limits, canaryMs: 0 },
      ).canariesAt.slice(0, 1),
      [35],
    )
  })
})

/** Two cores: the first has so much work and has come so far, the second has none. */
function two(inFlight: number, progress: number, other = 0): Pick<Look, 'cores'> {
  return { cores: { 0: { inFlight, progress: String(progress) }, 1: { inFlight: 0, progress: `other ${other}` } } }
}
/** The second of two cores is asked again and again, and answers at the next look. */
function asking(count: number, cores: (index: number, answers: number) => Pick<Look, 'cores'>): readonly Change[] {
  return times(count, (index) => ({
    ...cores(index, Math.floor((index + 1) / 8)),
    canary: index % 8 === 6,
    asked: index % 8 === 6 ? '1' : undefined,
  }))
}
/** Idle, and each canary is answered at the next look: sent after 30 s of quiet. */
function answered(count: number): readonly Change[] {
  return driven(count, () => ({}))
}
function canaryTimes(count: number): readonly number[] {
  return Array.from({ length: Math.floor(count / 8) }, (_, index) => 30 + 40 * index)
}
function leaking(count: number): readonly Change[] {
  return driven(count, () => ({ front: 1 }))
}
function leakTimes(count: number): readonly number[] {
  return canaryTimes(count)
}
/** Each canary is refused at the next look: an answer that shows nothing. */
function refused(count: number): readonly Change[] {
  return times(count, (index) => ({ canary: index % 8 === 6 }))
}
/** Six quiet looks, one with the canary under way, one with its answer, again and again. */
function driven(count: number, change: () => Change): readonly Change[] {
  let signs = 0
  return times(count, (index) => {
    const turn = index % 8
    if (turn === 7) signs++
    return { ...change(), canary: turn === 6, signs }
  })
}

/** An engine with queue, batch and cores that may freeze; what the watchdog sees is what such an engine shows. */
const world = (seed: number): void => {
  const random = generator(seed)
  const stallMs = 1000 * (10 + Math.floor(random() * 100))
  const under = { stallMs, canaryMs: random() < 0.3 ? 0 : 1000 * (5 + Math.floor(random() * 100)) }
  const freezesAt = random() < 0.5 ? Number.POSITIVE_INFINITY : Math.floor(random() * 300_000)
  /** The longest single step: nothing is told meanwhile. A right limit is longer. */
  const slowest = Math.floor(random() * stallMs * 0.4)
  const arrivals = random() * 0.3
  const leaks = random() < 0.2 ? 0.05 : 0
  let [at, told, inside, front, leaked, step, stepEnds] = [0, 0, 0, 0, 0, 0, 0]
  let canary: { readonly answered: number } | undefined
  let signs = 0
  let paused = 0
  let firstHeld: number | undefined
  const look = (): Look => ({
    at,
    cores: { 0: { inFlight: told, progress: String(step) } },
    front: front + leaked,
    suspended: false,
    signs,
    canary: canary !== undefined,
  })
  let dog = firstLook(look())
  for (let turns = 0; turns < 400; turns++) {
    const passed = Math.floor(stallMs * (0.02 + random() * 0.08))
    at += passed
    if (random() < 0.005) {
      // Everything was paused, the engine too.
      at += 3_600_000
      paused += 3_600_000
      stepEnds += 3_600_000
    }
    if (random() < arrivals) front++
    if (random() < leaks && front > 0) {
      front--
      leaked++
      // The core is told that a client left, and says so.
      if (at - paused < freezesAt) [told, step] = [Math.min(told, front), step + 1]
    }
    const frozen = at - paused >= freezesAt
    if (!frozen && at >= stepEnds && (front > 0 || canary)) {
      step++
      inside = front + (canary ? 1 : 0)
      told = inside
      if (random() < 0.5 && front > 0) front--
      if (canary) {
        canary = undefined
        signs++
      }
      stepEnds = at + Math.floor(random() * slowest)
      if (front === 0) told = 0
    }
    if (frozen && (front > 0 || canary)) firstHeld ??= at - paused
    const verdict = observe(dog, look(), under)
    dog = verdict.next
    if (verdict.sendCanary) canary ??= { answered: 0 }
    if (verdict.stalled !== undefined) {
      assert.ok(frozen, `a working engine was called stalled at ${at}: ${verdict.stalled}`)
      return
    }
    // Half of the limit for the doubt, the limit, and some looks.
    if (firstHeld !== undefined) assert.ok(at - paused - firstHeld < 2 * stallMs, `not found at ${at}, held since ${firstHeld}`)
  }
}

test('random worlds: a working engine is never called stalled, one that froze with work is always found', () => {
  const first = Number(process.env.AIM_TEST_SEED ?? Math.floor(Math.random() * 2 ** 31))
  for (let seed = first; seed < first + 5000; seed++) {
    try {
      world(seed)
    } catch (error) {
      throw new Error(`AIM_TEST_SEED=${seed} breaks a promise`, { cause: error })
    }
  }
})
