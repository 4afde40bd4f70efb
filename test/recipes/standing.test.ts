import assert from 'node:assert/strict'
import { test } from 'node:test'
import { failingsOf } from '../../src/recipes/hard-tests.ts'
import type { Profile } from '../../src/recipes/profile.ts'
import type { Question } from '../../src/recipes/question.ts'
import { byStanding, type Standing, standingOf } from '../../src/recipes/standing.ts'
import { facts70b, gpus, profile, question } from './worlds.ts'

const rows: readonly (readonly [Profile, Question, Standing])[] = [
  [profile(), question(), 'runs here'],
  [profile({ gpuCount: 2 }), question(), 'needs more GPUs'],
  [profile({ gpu: 'R9700', precision: 'bf16' }), question({ gpus: gpus('R9700', 1), facts: facts70b }), 'needs more memory'],
  [profile({ gpu: 'MI355X', gpuCount: 2 }), question(), 'for other GPUs'],
  [profile(), question({ gpus: gpus('MI210', 1) }), 'for other GPUs'],
  [profile(), question({ precision: 'int4' }), 'not as asked for'],
]
for (const [candidate, asked, standing] of rows) {
  test(`${candidate.id} ${standing}`, () => assert.equal(standingOf(failingsOf(candidate, asked)), standing))
}

test('rows are grouped best first, empty groups left out', () => {
  const all = [{ standing: 'for other GPUs' }, { standing: 'runs here' }, { standing: 'for other GPUs' }] as const
  assert.deepEqual(
    byStanding(all).map(([standing, same]) => [standing, same.length]),
    [
      ['runs here', 1],
      ['for other GPUs', 2],
    ],
  )
})
