import assert from 'node:assert/strict'
import { test } from 'node:test'
import { decimal, wholeNumber } from '../../src/recipes/numbers.ts'
import { gpusAskedBy, shardingOf } from '../../src/recipes/parallel.ts'
import { growth, supports } from '../../src/recipes/precision.ts'

test('wholeNumber() reads what vLLM reads', () => {
  const rows = [
    [32768, 32768],
    ['32768', 32768],
    ['32k', 32000],
    ['32K', 32768],
    ['1.5m', 1_500_000],
    ['auto', undefined],
    [-1, undefined],
    [null, undefined],
    [undefined, undefined],
    [[1], undefined],
  ] as const
  for (const [value, number] of rows) assert.equal(wholeNumber(value), number, String(value))
})

test('decimal() reads numbers and digits', () => {
  assert.equal(decimal(0.9), 0.9)
  assert.equal(decimal('0.95'), 0.95)
  for (const value of ['', 'much', null, undefined, true]) assert.equal(decimal(value), undefined)
})

test('the GPUs asked for are tensor x pipeline x data parallel', () => {
  assert.equal(gpusAskedBy({}), undefined)
  assert.equal(gpusAskedBy({ 'tensor-parallel-size': 2, 'data-parallel-size': '4' }), 8)
})

test('heads are split over what pipeline and data parallel leave, weights over one copy', () => {
  assert.deepEqual(shardingOf({}, 8), { tensor: 8, gpusPerCopy: 8 })
  assert.deepEqual(shardingOf({ 'pipeline-parallel-size': 2 }, 8), { tensor: 4, gpusPerCopy: 8 })
  assert.deepEqual(shardingOf({ 'data-parallel-size': 4 }, 8), { tensor: 2, gpusPerCopy: 2 })
  assert.deepEqual(shardingOf({}, 0), { tensor: 1, gpusPerCopy: 1 })
})

test('which instruction set computes in what', () => {
  const rows = [
    ['gfx942', 'fp8', true],
    ['gfx1201', 'fp8', true],
    ['gfx90a', 'fp8', false],
    ['gfx1100', 'fp8', false],
    ['gfx1250', 'fp8', true],
    ['gfx1300', 'fp8', undefined],
    ['gfx950', 'fp4', true],
    ['gfx90a', 'fp4', true],
    ['gfx1100', 'fp4', undefined],
    ['gfx908', 'bf16', true],
  ] as const
  for (const [gfx, precision, answer] of rows) assert.equal(supports(gfx, precision), answer, `${gfx} ${precision}`)
})

test('weights grow only between unquantized formats of different width', () => {
  assert.equal(growth('fp32', 'bf16'), 0.5)
  assert.equal(growth('bf16', 'fp32'), 2)
  assert.equal(growth('bf16', 'fp16'), 1)
  assert.equal(growth('fp8', 'fp8'), 1)
  assert.equal(growth(undefined, 'bf16'), 1)
})
