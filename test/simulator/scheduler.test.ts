import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { EngineRequest } from '../../src/simulator/protocol.ts'
import {
  admit,
  applyStep,
  type Batch,
  emptyBatch,
  isIdle,
  type Limits,
  statsOf,
  stepItems,
  without,
} from '../../src/simulator/scheduler.ts'

const request = (id: string, more: Partial<EngineRequest> = {}): EngineRequest => ({
  id,
  task: 'generate',
  text: '',
  promptTokens: 10,
  maxTokens: 2,
  naturalEnd: undefined,
  ...more,
})

const waiting = (...requests: readonly EngineRequest[]): Batch => ({ ...emptyBatch, waiting: requests })
const limits: Limits = { maxNumSeqs: 2, kvTokens: 100 }
const step = (batch: Batch) =>
  applyStep(
    batch,
    batch.running.map((entry) => ({ id: entry.request.id, text: 'x' })),
    limits,
  )

describe('the scheduler', () => {
  it('admit() takes no more sequences than the batch holds', () => {
    const batch = admit(waiting(request('a'), request('b'), request('c')), limits)
    assert.deepEqual([batch.running.length, batch.waiting.map(({ id }) => id)], [2, ['c']])
  })
  it('admit() lets one wait that does not fit into the cache, and those behind it', () => {
    const batch = admit(waiting(request('a', { promptTokens: 60 }), request('b', { promptTokens: 60 }), request('c')), limits)
    assert.deepEqual(
      batch.waiting.map(({ id }) => id),
      ['b', 'c'],
    )
  })
  it('admit() takes what never fits when nothing else runs', () => {
    assert.equal(admit(waiting(request('a', { promptTokens: 1000 })), limits).running.length, 1)
  })
  it('a sequence ends with length at its last token', () => {
    const first = step(admit(waiting(request('a')), limits))
    assert.deepEqual(first.outputs, [{ id: 'a', text: 'x' }])
    const second = step(first.batch)
    assert.deepEqual(second.outputs, [{ id: 'a', text: 'x', finish: 'length' }])
    assert.ok(isIdle(second.batch))
  })
  it('a sequence with an end of its own ends with stop', () => {
    const { outputs } = step(admit(waiting(request('a', { maxTokens: 9, naturalEnd: 1 })), limits))
    assert.equal(outputs[0]?.finish, 'stop')
  })
  it('an embedding is done in one step and gives no tokens', () => {
    const { outputs, stats } = step(admit(waiting(request('a', { task: 'embed' })), limits))
    assert.equal(outputs[0]?.finish, 'stop')
    assert.deepEqual([stats.promptTokens, stats.generationTokens], [10, 0])
  })
  it('a prompt is counted once, in the step that takes it in', () => {
    const first = step(admit(waiting(request('a', { maxTokens: 3 })), limits))
    assert.deepEqual(first.stats, { running: 1, waiting: 0, kvUsage: 0.11, promptTokens: 10, generationTokens: 1 })
    assert.deepEqual([step(first.batch).stats.promptTokens, stepItems(first.batch)[0]?.index], [0, 1])
  })
  it('without() drops the aborted from the queue and from the batch', () => {
    const batch = admit(waiting(request('a'), request('b'), request('c')), limits)
    assert.deepEqual(statsOf(without(batch, ['a', 'c']), limits), {
      running: 1,
      waiting: 0,
      kvUsage: 0.1,
      promptTokens: 0,
      generationTokens: 0,
    })
  })
})
