import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Question } from '../../src/recipes/question.ts'
import { synthesize } from '../../src/recipes/synthesize.ts'
import { facts8b, facts70b, gpus, kinds, question } from './worlds.ts'

const ids = (given: Partial<Question>) => synthesize(question(given)).map(({ id }) => id.replace(/^general\/vllm-|-latency$/g, ''))

test('candidates begin with the fewest GPUs, among these the most memory, and end with the CPU where it may be taken', () => {
  assert.deepEqual(ids({ gpus: gpus('MI300X', 6) }), ['mi300x-bf16-tp1', 'mi300x-bf16-tp2', 'mi300x-bf16-tp4'])
  assert.deepEqual(ids({ gpus: [kinds.R9700, kinds.MI300X] }), ['mi300x-bf16-tp1', 'r9700-bf16-tp1'])
  assert.deepEqual(ids({ gpus: gpus('R9700', 1), engine: 'simulator' }), ['r9700-bf16-tp1', 'cpu-bf16-tp1'])
  assert.deepEqual(ids({ count: 0 }), ['cpu-bf16-tp1'])
  assert.deepEqual(ids({ count: 4 }), ['mi300x-bf16-tp4'])
  assert.deepEqual(ids({ gpus: [] }), [])
  assert.deepEqual(ids({ gpus: [{ gfx: 'gfx1151' }] }), ['gfx1151-bf16-tp1'])
})

test("the precision is the checkpoint's, or what an unquantized one can be converted to", () => {
  const rows = [
    [undefined, undefined, 'bf16', undefined],
    ['bf16', undefined, 'bf16', undefined],
    ['bf16', 'fp16', 'fp16', 'float16'],
    ['fp16', 'bf16', 'bf16', 'bfloat16'],
    ['fp32', undefined, 'bf16', undefined],
    ['fp32', 'fp32', 'fp32', undefined],
    ['fp8', undefined, 'fp8', undefined],
    ['fp8', 'fp16', 'fp8', 'float16'],
    ['bf16', 'fp8', 'bf16', undefined],
    [undefined, 'fp8', 'fp8', undefined],
  ] as const
  for (const [own, wanted, precision, dtype] of rows) {
    const { precision: _, ...facts } = facts8b
    const [made] = synthesize(question({ facts: { ...facts, ...(own && { precision: own }) }, ...(wanted && { precision: wanted }) }))
    assert.equal(made?.precision, precision, `${own} ${wanted}`)
    assert.equal(made?.arguments.dtype, dtype, `${own} ${wanted}`)
  }
})

test("the context is the model's where all of it fits, else left to the engine to cut", () => {
  const lengthOf = (given: Partial<Question>) => synthesize(question(given))[0]?.arguments['max-model-len']
  assert.equal(lengthOf({ facts: facts8b }), undefined)
  assert.equal(lengthOf({ facts: facts8b, gpus: gpus('R9700', 1) }), 'auto')
  assert.equal(lengthOf({ facts: facts70b, gpus: gpus('R9700', 1) }), 'auto')
  assert.equal(lengthOf({}), 'auto')
  assert.equal(lengthOf({ count: 0, facts: facts8b }), 'auto')
})

test('batches are pinned by the memory of the GPU, and left alone for models that do not generate', () => {
  const batchesOf = (given: Partial<Question>) => synthesize(question(given))[0]?.arguments['max-num-batched-tokens']
  assert.equal(batchesOf({}), 8192)
  assert.equal(batchesOf({ gpus: gpus('R9700', 1) }), 2048)
  assert.equal(batchesOf({ facts: { task: 'embed' } }), undefined)
  assert.equal(batchesOf({ count: 0 }), undefined)
})

test('the metric is the one asked for', () => {
  assert.equal(synthesize(question({ metric: 'throughput' }))[0]?.id, 'general/vllm-mi300x-bf16-tp1-throughput')
})
