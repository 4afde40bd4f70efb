import assert from 'node:assert/strict'
import { test } from 'node:test'
import { headsDivide, marginBytes, roughFit, roughHostFit } from '../../src/model/fit.ts'
import { gib } from '../../src/std/bytes.ts'

const r9700 = 34208743424
const mi300x = 206141652992
const llama8b = { weightsBytes: 16060556376, kvBytesPerToken: 131072, kvHeads: 8 }
const llama70b = { weightsBytes: 141107412448, kvBytesPerToken: 327680, kvHeads: 8 }

test('the margin runs through what was logged on small and on large cards', () => {
  const within = (bytes: number, least: number, most: number) => bytes >= gib(least) && bytes <= gib(most)
  assert.ok(within(marginBytes(r9700), 3.0, 3.35))
  assert.ok(within(marginBytes(mi300x), 7.6, 11.7))
})

const rows: readonly (readonly [string, Parameters<typeof roughFit>[0], boolean])[] = [
  ['8B on an R9700, 32K', { ...llama8b, vramBytes: r9700, gpuCount: 1, utilization: 0.9, contextLength: 32768 }, true],
  ['8B on an R9700, 128K', { ...llama8b, vramBytes: r9700, gpuCount: 1, utilization: 0.9, contextLength: 131072 }, false],
  ['8B on two R9700, 128K', { ...llama8b, vramBytes: r9700, gpuCount: 2, utilization: 0.9, contextLength: 131072 }, true],
  ['70B on one MI300X, 32K', { ...llama70b, vramBytes: mi300x, gpuCount: 1, utilization: 0.9, contextLength: 32768 }, true],
  ['70B on one R9700', { ...llama70b, vramBytes: r9700, gpuCount: 1, utilization: 0.9 }, false],
  ['weights alone, cost of a token unknown', { weightsBytes: gib(20), vramBytes: r9700, gpuCount: 1, utilization: 0.9 }, true],
]

test('roughFit() weighs weights, margin and one request against the budget', () => {
  for (const [name, budget, fits] of rows) assert.equal(roughFit(budget).fits, fits, name)
})

test('roughFit() says how large a context could be, and nothing where a token has no known cost', () => {
  const fit = roughFit({ ...llama8b, vramBytes: r9700, gpuCount: 1, utilization: 0.98 })
  // Measured at this utilization: 104,320 to 125,616 tokens.
  assert.ok(fit.largestContext !== undefined && fit.largestContext > 95_000 && fit.largestContext < 125_616)
  assert.equal(roughFit({ weightsBytes: 1, vramBytes: r9700, gpuCount: 1, utilization: 0.9 }).largestContext, undefined)
  assert.equal(roughFit({ ...llama70b, vramBytes: r9700, gpuCount: 1, utilization: 0.9 }).largestContext, 0)
})

test('more GPUs than KV heads repeat heads, and a latent is repeated on each', () => {
  const at = (gpuCount: number, kvHeads: number) =>
    roughFit({ weightsBytes: 0, kvBytesPerToken: 1000, kvHeads, vramBytes: gib(100), gpuCount, utilization: 1 }).largestContext ?? 0
  assert.ok(Math.abs(at(8, 4) / at(4, 4) - 1) < 1e-6)
  assert.ok(Math.abs(at(8, 1) / at(1, 1) - 1) < 1e-6)
  assert.ok(Math.abs(at(4, 8) / at(1, 8) - 4) < 1e-3)
})

test('roughHostFit() leaves four GiB to the processes', () => {
  assert.equal(roughHostFit({ weightsBytes: gib(3), kvCacheBytes: gib(1), memoryBytes: gib(8) }), true)
  assert.equal(roughHostFit({ weightsBytes: gib(3) + 1, kvCacheBytes: gib(1), memoryBytes: gib(8) }), false)
})

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
