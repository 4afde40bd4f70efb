import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type CacheSetup, capacityOf, largestRequest, layoutOf } from '../../src/model/cache-groups.ts'
import { describe } from '../../src/model/describe.ts'
import { gib } from '../../src/std/bytes.ts'
import { generator } from '../random.ts'
import { deepseekV3, gemma4of31b, gptOss20b, llama8b, llama70b, qwen36 } from './configs.ts'

const setup: CacheSetup = {
  ...{ tensor: 1, pipeline: 1, context: 1, elementBytes: 2, headBytes: 0, blockSize: 16, alignment: 16 },
  ...{ inFlight: 8192, speculative: 0, alignedState: true },
}

const layoutFor = (config: unknown, given: Partial<CacheSetup> = {}, drafting = false) => {
  const { shape } = describe(config, [])
  const layout = layoutOf((drafting ? shape?.draftCache : shape?.cache) ?? [], { ...setup, ...given })
  assert.ok(layout)
  return layout
}

test('layers of one kind share a block table: bytes of a block are those of its tokens', () => {
  assert.equal(layoutFor(llama8b).blockBytes, 16 * 131072)
  assert.equal(layoutFor(llama70b, { tensor: 8 }).blockBytes, (16 * 327680) / 8)
  assert.equal(layoutFor(llama70b, { tensor: 16 }).blockBytes, (16 * 327680) / 8, 'heads are repeated beyond their number')
})

test('a latent is kept whole by every GPU', () => {
  assert.equal(layoutFor(deepseekV3, { tensor: 8 }).blockBytes, 16 * 61 * 576 * 2)
})

test('Gemma 4 31B: groups of ten layers, six groups, full layers in blocks of 32', () => {
  const layout = layoutFor(gemma4of31b, { inFlight: 32768 })
  assert.equal(layout.groups, 6)
  assert.equal(layout.blocksFor(262144), 5 * (Math.ceil((1023 + 32768) / 16) + 1) + 262144 / 32)
})

test('a hybrid: the block grows until it holds a state, as logged for Qwen3.6 27B on an R9700 (1664 tokens, 1.66 requests, 217,552 tokens)', () => {
  const layout = layoutFor(qwen36, { elementBytes: 1, alignment: 64, speculative: 4 }, true)
  assert.equal(layout.blockSize, 1664)
  assert.equal(layout.blocksFor(131072), 79 + 3 * 6)
  const { concurrency, tokens, blocks } = capacityOf(layout, gib(8.72), 131072, false)
  assert.equal(blocks, 161)
  assert.equal(concurrency.toFixed(2), '1.66')
  assert.equal(tokens, 217552)
})

test('windows and full layers in equal number make two groups', () => {
  const layout = layoutFor(gptOss20b, { inFlight: 2048 })
  assert.equal(layout.groups, 2)
  assert.equal(layout.blocksFor(131072), 131072 / 16 + Math.ceil((127 + 2048) / 16) + 1)
})

test('the log of old versions counts the blocks of one group, that of later ones requests times their length', () => {
  const layout = layoutFor(gptOss20b, { inFlight: 2048 })
  const bytes = layout.blockBytes * 1000
  assert.equal(capacityOf(layout, bytes, 4096, true).tokens, 500 * 16)
  assert.equal(capacityOf(layout, bytes, 4096, false).tokens, Math.floor((1000 / layout.blocksFor(4096)) * 4096))
})

const models = { llama8b, llama70b, gemma4of31b, qwen36, deepseekV3, gptOss20b }

test('more tokens never take fewer blocks, and the largest request is the last that fits', (t) => {
  const seed = Number(process.env.AIM_TEST_SEED ?? 20261124)
  t.diagnostic(`seed ${seed}`)
  const random = generator(seed)
  for (let round = 0; round < 300; round++) {
    const [name, config] = Object.entries(models)[Math.floor(random() * 6)] ?? ['llama8b', llama8b]
    const layout = layoutFor(config, {
      tensor: 2 ** Math.floor(random() * 4),
      inFlight: 2 ** Math.floor(9 + random() * 7),
      elementBytes: random() < 0.5 ? 1 : 2,
    })
    const limit = 1 + Math.floor(random() * 300_000)
    assert.ok(layout.blocksFor(limit) <= layout.blocksFor(limit + Math.floor(random() * 1e5)), `${name} ${limit}`)
    const blocks = Math.floor(random() * 30_000)
    const largest = largestRequest(layout, blocks, limit)
    assert.ok(largest <= limit && (largest === 0 || layout.blocksFor(largest) <= blocks), name)
    if (largest < limit) assert.ok(layout.blocksFor(largest + 1) > blocks, name)
  }
})
