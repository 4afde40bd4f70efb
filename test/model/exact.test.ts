/**
 * Models counted by hand: the numbers are those of their config.json, the arithmetic is written out, and what the code says is the same to the
 * byte. One of each kind of attention, and one mixture under expert parallelism.
 */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type CacheSetup, type Layout, layoutOf } from '../../src/model/cache-groups.ts'
import { describe } from '../../src/model/describe.ts'
import { type Division, weightsPerGpu } from '../../src/model/weights-share.ts'
import { deepseekV3, gptOss20b } from './configs.ts'

const alone: Division = {
  ...{ tensor: 1, pipeline: 1, data: 1, expertParallel: false, languageOnly: true, drafting: false, wholeSegments: false },
  expertPadding: [1, 1],
}

/** Bytes of one GPU without what the allocator adds. */
const weights = (config: unknown, division: Partial<Division> = {}): number => {
  const { shape } = describe(config, [])
  assert.ok(shape)
  return weightsPerGpu(shape.parts, [], shape, { ...alone, ...division })
}

const layout = (config: unknown, given: Partial<CacheSetup> = {}): Layout => {
  const setup = {
    ...{ tensor: 1, pipeline: 1, context: 1, elementBytes: 2, headBytes: 0, blockSize: 16, alignment: 16 },
    ...{ inFlight: 8192, speculative: 0, alignedState: true, ...given },
  }
  const found = layoutOf(describe(config, []).shape?.cache ?? [], setup)
  assert.ok(found)
  return found
}

/** Sums of bytes in fractions of a tensor are off by less. */
const same = (value: number, wanted: number, name: string) =>
  assert.ok(Math.abs(value - wanted) < 1, `${name}: ${value} instead of ${wanted}`)

test('DeepSeek V3: a latent of 512 + 64 elements for each of 61 layers, whole on every GPU; weights in blocks of fp8', () => {
  const perToken = 61 * (512 + 64) * 2
  assert.equal(perToken, 70_272)
  for (const tensor of [1, 8]) {
    const { blockBytes, blocksFor } = layout(deepseekV3, { tensor })
    assert.deepEqual([blockBytes, blocksFor(163_840)], [16 * perToken, 163_840 / 16])
  }
  const fp8 = 1 + 4 / (128 * 128)
  const down = 1536 * 7168 + (512 + 64) * 7168
  const up = 128 * (128 + 64) * 1536 + 128 * (128 + 128) * 512 + 7168 * (128 * 128)
  const dense = 3 * 18_432 * 7168
  const expert = 3 * 2048 * 7168
  const gate = 256 * 7168 * 2
  const norms = 61 * 2 * 7168 * 2 + 7168 * 2
  const tables = 2 * 129_280 * 7168 * 2
  // In 16 bits beside the checkpoint: the latent's up-projection once more, and the rotary table (163,840 positions of 64).
  const absorbed = 61 * 512 * 128 * (128 + 128) * 2
  const rotary = 163_840 * 64 * 2
  const repeated = 61 * down * fp8 + 58 * gate + norms + rotary
  const divided = 61 * up * fp8 + 3 * dense * fp8 + 58 * 257 * expert * fp8 + tables + absorbed
  same(weights(deepseekV3), repeated + divided, 'one GPU')
  same(weights(deepseekV3, { tensor: 8 }), repeated + divided / 8, 'TP 8')
  // Whole experts over sixteen ranks of two groups of eight: sixteen of 256 each, the shared one divided as the rest is.
  const kept = 61 * up * fp8 + 3 * dense * fp8 + 58 * expert * fp8 + tables + absorbed
  same(
    weights(deepseekV3, { tensor: 8, data: 2, expertParallel: true }),
    repeated + kept / 8 + 58 * (256 / 16) * expert * fp8,
    'TP 8 x DP 2, experts whole',
  )
})

const qwen3Next = {
  architectures: ['Qwen3NextForCausalLM'],
  model_type: 'qwen3_next',
  ...{ full_attention_interval: 4, head_dim: 256, hidden_size: 2048, intermediate_size: 5120, num_hidden_layers: 48 },
  ...{
    linear_conv_kernel_dim: 4,
    linear_key_head_dim: 128,
    linear_num_key_heads: 16,
    linear_num_value_heads: 32,
    linear_value_head_dim: 128,
  },
  ...{ num_attention_heads: 16, num_key_value_heads: 2, max_position_embeddings: 262_144, vocab_size: 151_936 },
  ...{ moe_intermediate_size: 512, num_experts: 512, num_experts_per_tok: 10, shared_expert_intermediate_size: 512 },
  ...{ decoder_sparse_step: 1, mlp_only_layers: [], tie_word_embeddings: false, torch_dtype: 'bfloat16' },
}

test('Qwen3-Next 80B at TP 2: blocks of 544 tokens, as its log says, by a state of 36 layers and keys of 12', () => {
  const convolution = (4 - 1) * (2 * 16 * 128 + 32 * 128) * 2
  const state = 32 * 128 * 128 * 2
  const stateBytes = (convolution + state) / 2
  const tokenBytes = (2 / 2) * 2 * 256 * 2
  const blockSize = 16 * Math.ceil(stateBytes / (16 * tokenBytes))
  assert.equal(blockSize, 544)
  const found = layout(qwen3Next, { tensor: 2 })
  // One group of twelve attention layers, three of twelve linear ones; a state is kept twice for prefix caching.
  assert.deepEqual([found.blockSize, found.groups, found.blockBytes], [544, 4, 12 * 544 * tokenBytes])
  assert.equal(found.blocksFor(262_144), Math.ceil(262_144 / 544) + 3 * 2)
  assert.equal(layout(qwen3Next, { tensor: 2, alignedState: false }).blocksFor(262_144), Math.ceil(262_144 / 544) + 3 * 1)
})

const gemma3 = {
  architectures: ['Gemma3ForConditionalGeneration'],
  model_type: 'gemma3',
  text_config: {
    model_type: 'gemma3_text',
    ...{ head_dim: 128, hidden_size: 5376, intermediate_size: 21_504, num_hidden_layers: 62, vocab_size: 262_208 },
    ...{ num_attention_heads: 32, num_key_value_heads: 16, max_position_embeddings: 131_072 },
    ...{ sliding_window: 1024, sliding_window_pattern: 6 },
  },
  torch_dtype: 'bfloat16',
}

test('Gemma 3 27B: 52 layers look at 1024 tokens, 10 at all; in groups of ten with eight layers of padding', () => {
  const full = Math.floor(62 / 6)
  const windowed = 62 - full
  assert.deepEqual([full, windowed], [10, 52])
  const found = layout(gemma3, { inFlight: 2048 })
  assert.deepEqual([found.groups, found.blockBytes], [1 + Math.ceil(52 / 10), 10 * 16 * (16 * 2 * 128 * 2)])
  const window = Math.ceil((1024 - 1 + 2048) / 16) + 1
  assert.equal(found.blocksFor(131_072), 131_072 / 16 + 6 * window)
  assert.equal(found.blocksFor(1000), 1 * 63 + 6 * (63 + 1), 'a request shorter than its window')
  const layer = 5376 * 128 * (32 + 16 + 16 + 32) + 3 * 21_504 * 5376 + 2 * 5376
  // A head tied to the table, and rotary tables for both kinds of layers.
  const rotary = 2 * 131_072 * 128 * 2
  same(weights(gemma3), 2 * (62 * layer + 262_208 * 5376 + 5376) + rotary, 'one GPU without the tower')
})

test('gpt-oss 20B: twelve layers of 128 tokens and twelve of all make two groups; experts of 4 bits, all else 16', () => {
  const found = layout(gptOss20b, { inFlight: 2048 })
  assert.deepEqual([found.groups, found.blockBytes], [2, 12 * 16 * (8 * 2 * 64 * 2)])
  assert.equal(found.blocksFor(131_072), 131_072 / 16 + Math.ceil((128 - 1 + 2048) / 16) + 1)
  const experts = (24 * 32 * 3 * 2880 * 2880 * (4 + 8 / 32)) / 8
  const [one, two] = [weights(gptOss20b), weights(gptOss20b, { tensor: 2 })]
  assert.ok(one > experts && one - two > experts / 2, 'half of the experts and more goes to the second GPU')
  same(weights(gptOss20b, { data: 8, expertParallel: true }) - (one - experts), experts / 8, 'four of 32 experts on each of eight')
})

const qwen3of235b = {
  architectures: ['Qwen3MoeForCausalLM'],
  model_type: 'qwen3_moe',
  ...{ head_dim: 128, hidden_size: 4096, intermediate_size: 12_288, num_hidden_layers: 94, vocab_size: 151_936 },
  ...{ num_attention_heads: 64, num_key_value_heads: 4, max_position_embeddings: 40_960, decoder_sparse_step: 1, mlp_only_layers: [] },
  ...{ moe_intermediate_size: 1536, num_experts: 128, num_experts_per_tok: 8, tie_word_embeddings: false, torch_dtype: 'bfloat16' },
}

test('Qwen3 235B: 128 experts whole over eight, twelve or sixteen ranks, the rest by tensors, by stages or repeated', () => {
  const attention = (queries: number, kv: number) => 128 * 4096 * (queries + queries + 2 * kv) * 2
  const whole = (2 * 4096 + 128 * 4096) * 2
  const expert = 3 * 1536 * 4096 * 2
  const table = 151_936 * 4096 * 2
  const [final, rotary] = [4096 * 2, 40_960 * 128 * 2]
  const rest = rotary + 94 * whole
  same(weights(qwen3of235b), rest + 94 * (attention(64, 4) + 128 * expert) + 2 * table + final, 'one GPU')
  // Four KV heads go no further than four ways: each of eight GPUs has one.
  const tp8 = rest + 94 * attention(64 / 8, 1) + (2 * table) / 8 + final
  same(weights(qwen3of235b, { tensor: 8 }), tp8 + (94 * 128 * expert) / 8, 'TP 8')
  same(weights(qwen3of235b, { tensor: 8, expertParallel: true }), tp8 + 94 * 16 * expert, 'TP 8, experts whole')
  same(weights(qwen3of235b, { tensor: 8, data: 2, expertParallel: true }), tp8 + 94 * 8 * expert, 'TP 8 x DP 2, experts whole')
  const replica = rest + 94 * attention(64, 4) + 2 * table + final
  same(
    weights(qwen3of235b, { data: 12, expertParallel: true }),
    replica + 94 * Math.ceil(128 / 12) * expert,
    'DP 12: eleven of 128, and not 10.7',
  )
})
