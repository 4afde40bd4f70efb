import assert from 'node:assert/strict'
import { test } from 'node:test'
import { matcher, mergePatterns } from '../../src/cache/patterns.ts'
import { globCases } from './glob-cases.ts'

test('matcher() means what huggingface_hub means by a pattern', () => {
  for (const { patterns, takes, leaves } of globCases) {
    for (const name of takes) assert.equal(matcher(patterns)(name), true, `${patterns} takes ${name}`)
    for (const name of leaves) assert.equal(matcher(patterns)(name), false, `${patterns} leaves ${name}`)
  }
})

test('matcher() without patterns takes every name', () => {
  assert.equal(matcher([])('any/name'), true)
})

test('mergePatterns() of everything and something is everything', () => {
  const cases = [
    { a: [], b: ['x'], merged: [] },
    { a: ['x'], b: [], merged: [] },
    { a: ['b', 'a'], b: ['c', 'a'], merged: ['a', 'b', 'c'] },
  ]
  for (const { a, b, merged } of cases) assert.deepEqual(mergePatterns(a, b), merged)
})
