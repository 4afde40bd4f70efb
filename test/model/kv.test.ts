import assert from 'node:assert/strict'
import { test } from 'node:test'
import { headSizeOf, kvShapeOf } from '../../src/model/kv.ts'

const llama8b = { num_hidden_layers: 32, hidden_size: 4096, num_attention_heads: 32, num_key_value_heads: 8 }
const qwen14b = { num_hidden_layers: 40, hidden_size: 5120, num_attention_heads: 40, num_key_value_heads: 8, head_dim: 128 }
const deepseek = { num_hidden_layers: 61, kv_lora_rank: 512, qk_rope_head_dim: 64, num_attention_heads: 128, num_key_value_heads: 128 }

test('a token costs K and V of every KV head of every layer, in 16 bits', () => {
  assert.deepEqual(kvShapeOf('LlamaForCausalLM', llama8b), { heads: 8, bytesPerToken: 131072 })
  assert.deepEqual(kvShapeOf('Qwen3ForCausalLM', qwen14b), { heads: 8, bytesPerToken: 163840 })
})

test('the cost is what measured starts gave for their KV cache (R9700, vLLM 0.13)', () => {
  const rows = [
    [131072, 15.33, 125616],
    [163840, 14.82, 97088],
  ] as const
  for (const [bytesPerToken, gibibytes, tokens] of rows) {
    assert.ok(Math.abs((gibibytes * 2 ** 30) / tokens / bytesPerToken - 1) < 0.001)
  }
})

test('without num_key_value_heads every attention head has its own', () => {
  const { num_key_value_heads: _, ...mha } = llama8b
  assert.equal(kvShapeOf('LlamaForCausalLM', mha)?.heads, 32)
})

test('MLA keeps one latent, which no tensor parallelism divides', () => {
  assert.deepEqual(kvShapeOf('DeepseekV3ForCausalLM', deepseek), { heads: 1, bytesPerToken: 61 * 576 * 2 })
})

test('where the cost of a token is no constant there is none', () => {
  const rows: readonly (readonly [string, Record<string, unknown>])[] = [
    ['GptOssForCausalLM', llama8b],
    ['NobodyKnowsThis', llama8b],
    ['LlamaForCausalLM', { ...llama8b, layer_types: ['full_attention', 'sliding_attention'] }],
    ['Qwen3ForCausalLM', { ...llama8b, full_attention_interval: 4 }],
    ['MistralForCausalLM', { ...llama8b, sliding_window: 4096, max_position_embeddings: 32768 }],
    ['LlamaForCausalLM', { ...llama8b, mamba_d_state: 16 }],
    ['LlamaForCausalLM', { hidden_size: 4096 }],
  ]
  for (const [architecture, fields] of rows) assert.equal(kvShapeOf(architecture, fields), undefined, architecture)
})

test('a window that is switched off, or as long as the context, changes nothing', () => {
  const off = { ...llama8b, sliding_window: 4096, use_sliding_window: false, max_position_embeddings: 32768 }
  const whole = { ...llama8b, sliding_window: 32768, max_position_embeddings: 32768 }
  for (const fields of [off, whole]) assert.equal(kvShapeOf('Qwen2ForCausalLM', fields)?.bytesPerToken, 131072)
})

test('the head size is the field, else the hidden size over the heads, and none for a latent', () => {
  assert.equal(headSizeOf({ head_dim: 64, hidden_size: 2880, num_attention_heads: 64 }), 64)
  assert.equal(headSizeOf({ hidden_size: 4096, num_attention_heads: 32 }), 128)
  assert.equal(headSizeOf({ kv_lora_rank: 512, hidden_size: 7168, num_attention_heads: 128 }), undefined)
})
