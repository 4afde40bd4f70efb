import assert from 'node:assert/strict'
import { test } from 'node:test'
import { rooflineInWords } from '../../src/cli/roofline.ts'
import { describe } from '../../src/model/describe.ts'
import { fit } from '../../src/model/fit.ts'
import { rooflineOf } from '../../src/recipes/roofline.ts'
import { gib } from '../../src/std/bytes.ts'
import { llama8b } from '../model/configs.ts'

const facts = describe(llama8b, [])
const answer = (contextLength: number, tensor = 1) => {
  const found = fit(facts, { vramBytes: gib(192), tensor, contextLength })
  assert.ok(found)
  return found
}

test('one request alone reads the active weights for each token, and its KV cache besides', () => {
  const { empty = 0, full = 0 } = rooflineOf('MI300X', facts, 1, answer(131072)) ?? {}
  // 7.50e9 parameters are multiplied with (all but the embedding), 2 bytes each, at 5.3e12 bytes a second.
  assert.ok(Math.abs(empty / (5.3e12 / 15.01e9) - 1) < 0.001, String(empty))
  // 131,072 tokens of 131,072 bytes.
  assert.ok(Math.abs(full / (5.3e12 / (15.01e9 + 131072 ** 2)) - 1) < 0.001, String(full))
  assert.ok((rooflineOf('MI300X', facts, 2, answer(131072, 2))?.full ?? 0) > 1.9 * full)
  assert.equal(rooflineOf('nobody', facts, 1, answer(4096)), undefined)
  assert.equal(rooflineOf('MI300X', { task: 'generate' }, 1, answer(4096)), undefined)
})

test('it is said as an order of magnitude, both ends where they differ', () => {
  assert.match(
    rooflineInWords({ empty: 353.1, full: 164.6 }),
    /^at most 400 tokens\/s for one request, 200 with its whole context, .*order of magnitude/,
  )
  assert.match(rooflineInWords({ empty: 353.1, full: 351 }), /^at most 400 tokens\/s for one request, by memory bandwidth alone/)
})
