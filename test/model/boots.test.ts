import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type Boot, learnedInWords, measuredBy, parseBoots, withBoot } from '../../src/model/boots.ts'
import { describe } from '../../src/model/describe.ts'
import { fit, type Setup } from '../../src/model/fit.ts'
import { gib } from '../../src/std/bytes.ts'
import { generator } from '../random.ts'
import { llama8b } from './configs.ts'

const facts = describe(llama8b, [])
const setup: Setup = { vramBytes: 34208743424, gfx: 'gfx1201', tensor: 1, utilization: 0.9, contextLength: 65536, engineVersion: '0.32.0' }
const repository = 'meta-llama/Llama-3.1-8B-Instruct'
const boot = (given: Partial<Boot> = {}): Boot => ({
  ...{ at: '2026-11-28T10:00:00.000Z', repository, setup, weightsBytes: gib(15.06), cacheBytes: gib(11) },
  ...given,
})
const learned = (boots: readonly Boot[], now: Setup = setup) => {
  const measured = measuredBy(boots, repository, now)
  return fit(facts, measured === undefined ? now : { ...now, measured })
}

test('a start of the same corrects the next: its weights, and what it left at another utilization, context or type of KV cache', () => {
  assert.equal(learned([boot()])?.kvBytes, gib(11))
  const taken = setup.vramBytes * 0.9 - gib(11)
  const wider = learned([boot()], { ...setup, utilization: 0.95, contextLength: 1024, cacheType: 'fp8' })
  assert.ok(Math.abs((wider?.kvBytes ?? 0) - (setup.vramBytes * 0.95 - taken)) < 10)
  assert.match(learned([boot()])?.learned ?? '', /^memory corrected by .*2026-11-28 10:00.*15 GiB of weights, 11 GiB left/)
  assert.equal(learned([boot()])?.weightsBytesPerGpu, gib(15.06))
})

const others: readonly (readonly [string, Boot, Setup])[] = [
  ['another model', boot({ repository: 'org/other' }), setup],
  ['another minor version', boot(), { ...setup, engineVersion: '0.31.0' }],
  ['more tokens of a step', boot(), { ...setup, batchedTokens: 16384 }],
  ['two GPUs', boot(), { ...setup, tensor: 2 }],
  ['no graphs', boot(), { ...setup, eager: true }],
]

test('a start of anything else teaches nothing', () => {
  for (const [name, other, now] of others) assert.deepEqual(learned([other], now), fit(facts, now), name)
})

test('what served makes sure of what was likely and never refuses it; what is far from the count is not believed', () => {
  const likely = { ...setup, contextLength: 90_000 }
  assert.equal(fit(facts, likely)?.verdict, 'likely')
  assert.equal(learned([boot({ cacheBytes: gib(13) })], likely)?.verdict, 'fits')
  assert.equal(learned([boot({ cacheBytes: gib(2) })], likely)?.verdict, 'likely')
  assert.deepEqual(learned([boot({ weightsBytes: gib(1), cacheBytes: gib(25) })], likely), fit(facts, likely))
})

test('what was refused is no fit with as much context and no more memory; less context, more memory or a start that served is', () => {
  const refused = boot({ cacheBytes: gib(7), refused: { contextLength: 65536 } })
  assert.equal(learned([refused])?.verdict, 'no')
  assert.equal(learned([refused], { ...setup, cacheType: 'auto' })?.verdict, 'no')
  assert.equal(learned([refused], { ...setup, cacheType: 'fp8' })?.verdict, 'fits')
  assert.equal(learned([refused], { ...setup, contextLength: 80_000 })?.verdict, 'no')
  assert.equal(learned([refused], { ...setup, contextLength: 32768 })?.verdict, 'fits')
  assert.notEqual(learned([refused], { ...setup, utilization: 0.98 })?.verdict, 'no')
  assert.equal(learned([refused], { ...setup, utilization: 0.85 })?.verdict, 'no')
  const served = boot({ at: '2026-11-28T11:00:00.000Z' })
  assert.notEqual(learned(withBoot([refused], served))?.verdict, 'no')
  const crash = boot({ refused: {} })
  assert.equal(learned([crash], { ...setup, contextLength: 1024 })?.verdict, 'no')
  assert.match(learnedInWords(measuredBy([crash], repository, setup) ?? { at: '' }), /ended for lack of memory/)
})

test('a run keeps its newest start and its refusals, and a file no more than two dozen', () => {
  const many = Array.from({ length: 40 }, (_, at) => boot({ setup: { ...setup, sequences: at + 1 } }))
  assert.equal(many.reduce(withBoot, [] as readonly Boot[]).length, 24)
  assert.deepEqual(withBoot([boot()], boot({ cacheBytes: 1 })), [boot({ cacheBytes: 1 })])
  assert.equal(withBoot([boot()], boot({ refused: {} })).length, 2)
})

const seed = Number(process.env.AIM_TEST_SEED ?? 20261128)

test('whatever a file holds, it is read without a word, and no byte of it makes a plan that was refused a fit', (t) => {
  t.diagnostic(`seed ${seed}`)
  const random = generator(seed)
  const refused = boot({ cacheBytes: gib(7), refused: { contextLength: 65536 } })
  const whole = JSON.stringify([refused])
  assert.deepEqual(parseBoots(whole), [refused])
  for (const text of ['', 'null', '{}', '[1]', '[{"at":"x","repository":"y","setup":{}}]', '[{"setup":null}]', whole.slice(0, -9)])
    assert.deepEqual(parseBoots(text), [], text)
  const impossible = { ...boot(), weightsBytes: 1e30 }
  assert.deepEqual(parseBoots(JSON.stringify([impossible, boot({ weightsBytes: gib(30), cacheBytes: gib(30) })])), [])
  for (let round = 0; round < 2000; round++) {
    const at = Math.floor(random() * whole.length)
    const damaged = `${whole.slice(0, at)}${String.fromCharCode(32 + Math.floor(random() * 95))}${whole.slice(at + 1)}`
    const answer = learned(parseBoots(damaged))
    // Without the refusal the plain count speaks, which says likely.
    if (answer?.verdict === 'fits') assert.ok(fit(facts, setup)?.verdict === 'fits' || answer.learned !== undefined, damaged)
  }
})
