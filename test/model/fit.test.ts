import assert from 'node:assert/strict'
import { test } from 'node:test'
import { describe } from '../../src/model/describe.ts'
import type { ModelFacts } from '../../src/model/facts.ts'
import { fit, type Setup, type Verdict } from '../../src/model/fit.ts'
import { gib } from '../../src/std/bytes.ts'
import { llama8b, llama70b } from './configs.ts'

const r9700 = { vramBytes: 34208743424, gfx: 'gfx1201', tensor: 1, utilization: 0.9, batchedTokens: 2048, sequences: 64 }
const mi300x = { vramBytes: 206141652992, gfx: 'gfx942', tensor: 1 }
const facts8b = describe(llama8b, [])
const facts70b = describe(llama70b, [])

const rows: readonly (readonly [string, ModelFacts, Setup, Verdict])[] = [
  ['8B on an R9700, 32K', facts8b, { ...r9700, contextLength: 32768 }, 'fits'],
  ['8B on an R9700, 128K', facts8b, { ...r9700, contextLength: 131072 }, 'no'],
  ['8B on two R9700, 128K', facts8b, { ...r9700, tensor: 2, contextLength: 131072 }, 'fits'],
  ['8B on an R9700, 128K in 8 bits', facts8b, { ...r9700, contextLength: 131072, cacheType: 'fp8' }, 'likely'],
  ['70B on one MI300X, 32K', facts70b, { ...mi300x, contextLength: 32768 }, 'fits'],
  ['70B on one R9700', facts70b, r9700, 'no'],
  ['70B on two R9700 by stages', facts70b, { ...r9700, pipeline: 2 }, 'no'],
  ['a token of unknown cost', { task: 'generate', weightsBytes: gib(20) }, r9700, 'likely'],
]

test('fit() weighs weights, overhead and one request against the budget', () => {
  for (const [name, facts, setup, verdict] of rows) assert.equal(fit(facts, setup)?.verdict, verdict, name)
})

test('fit() answers nothing where the weights are not known', () => {
  assert.equal(fit({ task: 'generate' }, r9700), undefined)
})

test('fit() says how large a context could be, and nothing where a token has no known cost', () => {
  const answer = fit(facts8b, { ...r9700, utilization: 0.98, engineVersion: '0.13.0', contextLength: 65536 })
  // Measured at this utilization: 104,320 to 125,616 tokens.
  assert.ok(answer?.cacheTokens !== undefined && answer.cacheTokens > 100_000 && answer.cacheTokens < 130_000, String(answer?.cacheTokens))
  assert.equal(fit({ task: 'generate', weightsBytes: 1 }, r9700)?.largestContext, undefined)
  assert.equal(fit(facts70b, r9700)?.largestContext, 0)
})

test('without a shape a constant cost per token stands for the cache, and its heads are repeated where GPUs outnumber them', () => {
  const plain: ModelFacts = { task: 'generate', weightsBytes: gib(1), kvBytesPerToken: 131072, kvHeads: 8, contextLength: 1e9 }
  const tokens = (tensor: number, facts = plain) => fit(facts, { ...mi300x, tensor, cacheBytes: gib(64) })?.largestContext ?? 0
  assert.equal(tokens(1), 524288)
  assert.equal(tokens(8), 8 * tokens(1))
  assert.equal(tokens(16), tokens(8))
  assert.equal(tokens(8, { ...plain, kvHeads: 1 }), tokens(1))
})

test('a size given for the KV cache is taken as it is', () => {
  assert.equal(fit(facts8b, { ...r9700, cacheBytes: gib(3) })?.kvBytes, gib(3))
})
