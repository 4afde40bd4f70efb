import assert from 'node:assert/strict'
import { test } from 'node:test'
import { groupsOf, largestMatch, matches, place } from '../../src/recipes/place.ts'
import type { AvailableGpu } from '../../src/recipes/question.ts'
import { gpus, kinds } from './worlds.ts'

const yes = () => true

test('a GPU matches its product and its instruction set, in any case', () => {
  for (const pattern of ['MI300X', 'mi300x', 'gfx942']) assert.equal(matches(kinds.MI300X, pattern), true, pattern)
  assert.equal(matches(kinds.MI300X, 'MI325X'), false)
  assert.equal(matches({}, 'undefined'), false)
})

test('only GPUs of one kind work together', () => {
  const mixed = [kinds.R9700, kinds.MI300X, kinds.R9700]
  assert.deepEqual(
    groupsOf(mixed).map((group) => group.length),
    [2, 1],
  )
  assert.equal(place({ gpu: 'R9700', gpuCount: 2 }, mixed, yes)?.length, 2)
  assert.equal(place({ gpu: 'MI300X', gpuCount: 2 }, mixed, yes), undefined)
  assert.equal(largestMatch(mixed, 'gfx1201').length, 2)
})

test('an instruction set takes one of its products, the first that has enough', () => {
  const sibling = { product: 'MI325X', gfx: 'gfx942', vramBytes: 1 }
  const mixed = [kinds.MI300X, sibling, sibling]
  assert.deepEqual(place({ gpu: 'gfx942', gpuCount: 2 }, mixed, yes), [sibling, sibling])
  assert.deepEqual(place({ gpu: 'gfx942', gpuCount: 1 }, mixed, yes), [kinds.MI300X])
})

test('a GPU that cannot hold its share is passed over, one of unknown size comes last', () => {
  const small = { product: 'MI300X', gfx: 'gfx942', vramBytes: 1 }
  const unknown: AvailableGpu = { product: 'MI300X', gfx: 'gfx942' }
  const big = (gpu: AvailableGpu) => (gpu.vramBytes ?? 2) > 1
  assert.deepEqual(place({ gpu: 'MI300X', gpuCount: 1 }, [small, unknown, kinds.MI300X], big), [kinds.MI300X])
  assert.deepEqual(place({ gpu: 'MI300X', gpuCount: 1 }, [small, unknown], big), [unknown])
  assert.equal(place({ gpu: 'MI300X', gpuCount: 1 }, [small], big), undefined)
})

test('the CPU needs no GPU', () => {
  assert.deepEqual(place({ gpu: 'CPU', gpuCount: 0 }, gpus('MI300X', 2), yes), [])
})
