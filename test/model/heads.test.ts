import assert from 'node:assert/strict'
import { test } from 'node:test'
import { headsDivide } from '../../src/model/heads.ts'
import { roughHostFit } from '../../src/model/host-fit.ts'
import { gib } from '../../src/std/bytes.ts'

test('headsDivide() wants attention heads split evenly, KV heads split or repeated evenly', () => {
  const of = (attentionHeads: number | undefined, kvHeads: number | undefined) => ({
    task: 'generate' as const,
    ...(attentionHeads === undefined ? {} : { attentionHeads }),
    ...(kvHeads === undefined ? {} : { kvHeads }),
  })
  assert.equal(headsDivide(of(32, 8), 8), true)
  assert.equal(headsDivide(of(28, 4), 8), false)
  assert.equal(headsDivide(of(64, 8), 16), true)
  assert.equal(headsDivide(of(24, 3), 2), false)
  assert.equal(headsDivide(of(128, 1), 8), true)
  assert.equal(headsDivide(of(undefined, undefined), 7), true)
})

test('roughHostFit() leaves four GiB to the processes', () => {
  assert.equal(roughHostFit({ weightsBytes: gib(3), kvCacheBytes: gib(1), memoryBytes: gib(8) }), true)
  assert.equal(roughHostFit({ weightsBytes: gib(3) + 1, kvCacheBytes: gib(1), memoryBytes: gib(8) }), false)
})
