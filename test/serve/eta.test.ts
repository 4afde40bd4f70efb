import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import type { PhaseStatus } from '../../src/ops/status.ts'
import { estimate, type PastStart, remember } from '../../src/serve/eta.ts'
import { describeStart, startStatus } from '../../src/serve/start-status.ts'
import {
  addEvidence,
  beginPhase,
  countSpawn,
  enterState,
  followSign,
  move,
  opening,
  type Story,
  standStill,
} from '../../src/serve/story.ts'

const past: PastStart = {
  phases: [
    { name: 'spawn', ms: 1000 },
    { name: 'import', ms: 20_000 },
    { name: 'weights', ms: 100_000 },
    { name: 'compile', ms: 60_000 },
    { name: 'warm-up', ms: 19_000 },
  ],
  totalMs: 200_000,
}
const spawn: PhaseStatus = { name: 'spawn', startMs: 5000, endMs: 6000 }

describe('estimate()', () => {
  const rows: readonly [claim: string, phases: readonly PhaseStatus[], at: number, left: number | undefined][] = [
    ['takes what is left of the phase as it was, and all after it', [spawn, { name: 'import', startMs: 6000 }], 16_000, 189_000],
    [
      'takes a phase that counts steps by its own share',
      [spawn, { name: 'weights', startMs: 26_000, done: 2, total: 8 }],
      36_000,
      30_000 + 79_000,
    ],
    [
      'never goes below what comes after a phase that takes longer than last time',
      [spawn, { name: 'compile', startMs: 0 }],
      500_000,
      19_000,
    ],
    ['takes a phase that was not there last time out of the whole', [spawn, { name: 'kernel-jit', startMs: 50_000 }], 105_000, 100_000],
    [
      'adds a download by its own pace to the whole',
      [{ name: 'pull', startMs: 0, done: 25, total: 100, unit: 'bytes' }],
      10_000,
      30_000 + 200_000,
    ],
    ['knows nothing before the first phase', [], 10, undefined],
  ]
  for (const [claim, phases, at, left] of rows) test(claim, () => assert.equal(estimate(phases, past, at), left))
  test('knows nothing of a first start', () => assert.equal(estimate([spawn], undefined, 9), undefined))
})

test('remember() keeps the phases since the spawn of a start that became ready, and nothing of one that did not', () => {
  const phases: readonly PhaseStatus[] = [
    { name: 'pull', startMs: 0, endMs: 5000 },
    spawn,
    { name: 'import', startMs: 6000, endMs: 9000.4 },
  ]
  assert.deepEqual(remember(phases), {
    phases: [
      { name: 'spawn', ms: 1000 },
      { name: 'import', ms: 3000 },
    ],
    totalMs: 4000,
  })
  assert.equal(remember([...phases, { name: 'weights', startMs: 9000 }]), undefined)
  assert.equal(remember([{ name: 'pull', startMs: 0, endMs: 5000 }]), undefined)
})

describe('followSign()', () => {
  const at = (name: string): Story => beginPhase(opening, name, 1)
  const last = (story: Story): PhaseStatus | undefined => story.phases.at(-1)
  test('begins the next phase and ends the one before', () => {
    const story = followSign(at('engine'), { phase: 'weights', done: 1, total: 4 }, 9)
    assert.deepEqual(story.phases, [
      { name: 'engine', startMs: 1, endMs: 9 },
      { name: 'weights', startMs: 9, done: 1, total: 4, unit: 'steps' },
    ])
  })
  test('does not go back when another rank says what the first one said before', () => {
    assert.deepEqual(last(followSign(at('weights'), { phase: 'engine' }, 9)), { name: 'weights', startMs: 1 })
  })
  test('shows a kernel that is built later as a detail of the phase that needs it', () => {
    assert.equal(last(followSign(at('capture'), { phase: 'kernel-jit', detail: 'module_norm' }, 9))?.detail, 'builds module_norm')
  })
})

describe('addEvidence()', () => {
  const stood = standStill(opening, { atMs: 5, sentence: 'it stood still', fix: 'wait', evidence: [] }, 'weights')
  const rows: readonly [claim: string, story: Story, evidence: readonly string[], stall: Story['stall']][] = [
    ['keeps when and what it was', stood, ['x'], { atMs: 5, sentence: 'it stood still', fix: 'wait', evidence: ['x'] }],
    [
      'once more, of the last one alone',
      addEvidence(stood, ['x']),
      ['y'],
      { atMs: 5, sentence: 'it stood still', fix: 'wait', evidence: ['y'] },
    ],
    ['makes no standstill of none', opening, ['x'], undefined],
  ]
  for (const [claim, story, evidence, stall] of rows) test(claim, () => assert.deepEqual(addEvidence(story, evidence).stall, stall))
  test('counts no second standstill, and moves nothing', () => {
    const { stall: _, ...rest } = stood
    const { stall: __, ...after } = addEvidence(stood, ['x'])
    assert.deepEqual([after, after.stalls], [rest, { weights: 1 }])
  })
})

describe('startStatus()', () => {
  const starting = (): Story => enterState(countSpawn({ ...opening, spawns: 0 }, 1000), { kind: 'starting' }, 1000)
  test('is progressing while something moves, however long it takes', () => {
    const status = startStatus(move(starting(), 'bytes', 9_000_000), past, 9_010_000, 1_200_000)
    assert.deepEqual([status?.verdict, status?.movedBy, status?.stillMs, status?.endsInMs], ['progressing', 'bytes', 10_000, 1_190_000])
  })
  test('is stalled after a minute without a sign, and says when it is ended', () => {
    const status = startStatus(move(starting(), 'log', 2000), past, 302_000, 1_200_000)
    assert.equal(
      status && describeStart(status, starting().phases.at(-1)),
      'spawn, 5m 1s so far, about 3m 19s left (the last start took 3m 20s), nothing has moved for 5m 0s, it is ended in 15m 0s unless it moves',
    )
    assert.equal(status?.verdict, 'stalled')
  })
  test('is nothing once it is ready', () =>
    assert.equal(startStatus(enterState(starting(), { kind: 'ready' }, 2000), past, 3000, 1_200_000), undefined))
})
