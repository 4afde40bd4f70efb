import assert from 'node:assert/strict'
import { test } from 'node:test'
import { defaultBatch, minorOf } from '../../src/model/engine-version.ts'
import { gib } from '../../src/std/bytes.ts'

const versions: readonly (readonly [string | undefined, number | undefined])[] = [
  ['v0.31.1rc1.dev23+g43b4aaea3', 31],
  ['v0.23.0 (rocm7.14 image)', 23],
  ['0.10.1.1', 10],
  ['v0.1.dev8475+g78fa48cb8', 10],
  ['v0.1.dev15917+g0a6396b45', 17],
  ['0.1.dev40000', undefined],
  ['main', undefined],
  [undefined, undefined],
]

test('minorOf() reads the minor of a release, and of a build without tags from its count of commits', () => {
  for (const [text, minor] of versions) assert.equal(minorOf(text), minor, String(text))
})

test('defaults of a batch follow the memory, except where a card is left out by name', () => {
  assert.deepEqual(defaultBatch(32, gib(191), 'MI300X'), { tokens: 16384, sequences: 1024 })
  assert.deepEqual(defaultBatch(23, gib(191), 'MI300X'), { tokens: 8192, sequences: 1024 })
  assert.deepEqual(defaultBatch(32, gib(31), undefined), { tokens: 2048, sequences: 256 })
  assert.deepEqual(defaultBatch(12, gib(79), 'A100 80GB'), { tokens: 2048, sequences: 256 })
})
