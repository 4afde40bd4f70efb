import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Profile } from '../../src/recipes/profile.ts'
import type { Question } from '../../src/recipes/question.ts'
import { replicate } from '../../src/recipes/replicate.ts'
import { facts8b, gpus, kinds, profile, question } from './worlds.ts'

const eight = (given: Partial<Question> = {}) => question({ gpus: gpus('MI300X', 8), metric: 'throughput', facts: facts8b, ...given })
const tuned = (given: Partial<Profile> = {}) => profile({ metric: 'throughput', gpuCount: 2, ...given })

const rows: readonly (readonly [claim: string, profile: Profile, question: Question, copies: number | undefined])[] = [
  ['as many as are free when throughput is asked for', tuned(), eight(), 4],
  ['whole ones only', tuned(), eight({ gpus: gpus('MI300X', 7) }), 3],
  ['none for latency', profile({ gpuCount: 2 }), eight({ metric: 'latency' }), undefined],
  ['none for a count', tuned(), eight({ count: 2 }), undefined],
  ['none for a pinned profile', tuned(), eight({ profileId: tuned().id }), undefined],
  ['none of a kind that is not its own', tuned(), eight({ gpus: [...gpus('MI300X', 2), kinds.R9700, kinds.R9700] }), undefined],
  ['none where the work is divided already', tuned({ arguments: { 'data-parallel-size': 2 } }), eight(), undefined],
  ['none where the user divides it', tuned(), eight({ overrides: { 'pipeline-parallel-size': 2 } }), undefined],
  ["none of AMD's own profiles", tuned({ amd: { tree: 'model', root: '/p', document: {} } }), eight(), undefined],
]
for (const [claim, given, asked, copies] of rows) {
  test(`copies of a profile: ${claim}`, () => {
    const made = replicate(given, asked)
    assert.equal(made === given ? undefined : made.arguments['data-parallel-size'], copies)
    if (copies !== undefined)
      assert.deepEqual([made.gpuCount, made.arguments['tensor-parallel-size']], [given.gpuCount * copies, given.gpuCount])
  })
}
