import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { type Faults, parseFaults } from '../../src/simulator/faults.ts'

const rows: readonly (readonly [string, Faults])[] = [
  ['', {}],
  ['hang', { hang: 20 }],
  ['hang=3', { hang: 3 }],
  ['exit-after-ready=0.5, orphans=4', { 'exit-after-ready': 0.5, orphans: 4 }],
  ['stall-at=weights', { 'stall-at': 'weights' }],
  ['ignore-sigterm', { 'ignore-sigterm': 1 }],
]

const refused: readonly (readonly [string, RegExp])[] = [
  ['health-501', /did you mean 'health-500'/],
  ['nothing-like-it', /one of crash-at-load/],
  ['hang=many', /needs a number/],
  ['ignore-sigterm=1', /takes no argument/],
  ['stall-at=lunch', /needs a phase: import/],
  ['stall-at', /needs a phase/],
]

describe('parseFaults()', () => {
  for (const [text, faults] of rows) it(`reads '${text}'`, () => assert.deepEqual(parseFaults(text), { faults, problems: [] }))
  for (const [text, problem] of refused) it(`refuses '${text}'`, () => assert.match(parseFaults(text).problems.join(), problem))
  it('gives all problems at once', () => {
    assert.equal(parseFaults('a,b,hang').problems.length, 2)
  })
})
