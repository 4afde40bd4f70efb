import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { beginPhase, endPhase, isUnderWay, opening } from '../../src/serve/story.ts'
import type { State } from '../../src/supervisor/states.ts'

describe('isUnderWay()', () => {
  const rows: readonly [claim: string, state: State, goesOn: boolean][] = [
    ['goes on while a start is looked at that stands still', { kind: 'examining', from: 'starting' }, true],
    ['goes on while a first answer is looked at that does not come', { kind: 'examining', from: 'warming' }, true],
    ['goes on while the engine starts', { kind: 'starting' }, true],
    ['is over when the engine is ready', { kind: 'ready' }, false],
    ['is over while the start waits for memory', { kind: 'waiting' }, false],
    ['is over when the engine is stopped', { kind: 'stopping', reason: 'startup-stalled', next: 'restart', killed: true }, false],
  ]
  for (const [claim, state, goesOn] of rows) test(`the phase ${claim}`, () => assert.equal(isUnderWay(state), goesOn))
})

test('a phase ends once, and only when it is over', () => {
  const begun = beginPhase(opening, 'weights', 10)
  assert.deepEqual(endPhase(endPhase(begun, 20), 30).phases, [{ name: 'weights', startMs: 10, endMs: 20 }])
})
