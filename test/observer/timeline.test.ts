import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { type Answer, type Happening, shapeOf, type Timeline } from './timeline.ts'

const probe = (health: Answer, metrics: Answer = health): Happening => ({ what: 'probe', health, metrics })

const timeline = (...events: readonly (readonly [number, Happening])[]): Timeline => ({
  command: [],
  settle: 1,
  events: events.map(([t, happening]) => ({ t, ...happening })),
})

const term: Happening = { what: 'signal', signal: 'SIGTERM', to: 'api' }

describe('shapeOf()', () => {
  it('keeps the order of what happened, and folds what was answered after the signal', () => {
    const shape = shapeOf(
      timeline(
        [0, { what: 'spawned' }],
        [1, probe('refused')],
        [2, { what: 'ready' }],
        [3, term],
        [5, probe(200)],
        [6, probe(200)],
        [7, probe('refused')],
        [8, { what: 'exited', code: 0, signal: null }],
      ),
    )
    assert.deepEqual(shape, {
      order: ['spawned', 'ready', 'SIGTERM to api', 'exited 0'],
      health: [200, 'refused'],
      metrics: [200, 'refused'],
      left: [],
    })
  })
  it('leaves out a 200 that came before the signal could have worked', () => {
    assert.deepEqual(shapeOf(timeline([3, term], [3.5, probe(200, 503)], [4.5, probe(503)])).health, [503])
    assert.deepEqual(shapeOf(timeline([3, term], [3.5, probe(200, 503)], [4.5, probe(503)])).metrics, [503])
  })
  it("sorts what is left, without Python's helpers", () => {
    assert.deepEqual(shapeOf(timeline([1, { what: 'left', processes: ['python3', 'b', 'a'] }])).left, ['a', 'b'])
  })
  it('names a death by its signal', () => {
    assert.deepEqual(shapeOf(timeline([1, { what: 'exited', code: null, signal: 'SIGKILL' }])).order, ['exited SIGKILL'])
  })
  it('calls an engine still when its step counter stands still', () => {
    const look = { health: 200, metrics: 200, running: 1, waiting: 0, steps: 4 }
    const moved = timeline([1, { what: 'frozen', before: look, after: { ...look, steps: 5 }, requestAnswered: false }])
    assert.equal(shapeOf(moved).frozen?.moves, true)
    assert.deepEqual(shapeOf(timeline([1, { what: 'frozen', before: look, after: look, requestAnswered: false }])).frozen, {
      health: 200,
      metrics: 200,
      moves: false,
      requestAnswered: false,
      running: 1,
      waiting: 0,
    })
  })
})
