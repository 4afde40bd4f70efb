import assert from 'node:assert/strict'
import { test } from 'node:test'
import { remainderOf } from '../../src/model/allocations.ts'
import { describe } from '../../src/model/describe.ts'
import { fit } from '../../src/model/fit.ts'
import { gib } from '../../src/std/bytes.ts'

const mib = 2 ** 20

const rows: readonly (readonly [mib: number, old: number, whole: number])[] = [
  [4.5, 0, 0],
  [12.5, 0, 1.5],
  [35, 1, 1],
  [36, 0, 0],
  [129.5, 0.5, 0.5],
]

test('a tensor with a segment of its own keeps what is left of it where that is too small for another', () => {
  for (const [size, old, whole] of rows) {
    assert.equal(remainderOf(size * mib, false), old * mib, `${size} MiB`)
    assert.equal(remainderOf(size * mib, true), whole * mib, `${size} MiB, newer torch`)
  }
})

const dense = { architectures: ['Qwen3ForCausalLM'], model_type: 'qwen3', tie_word_embeddings: false, torch_dtype: 'bfloat16' }
const qwen3 = {
  ...{ ...dense, hidden_size: 5120, intermediate_size: 17408, num_attention_heads: 40, num_key_value_heads: 8, head_dim: 128 },
  ...{ num_hidden_layers: 40, vocab_size: 151936, max_position_embeddings: 40960 },
  quantization_config: {
    quant_method: 'compressed-tensors',
    format: 'float-quantized',
    ignore: ['lm_head'],
    config_groups: { group_0: { targets: ['Linear'], weights: { num_bits: 8, type: 'float', strategy: 'channel' } } },
  },
}
const qwen2 = {
  ...{ ...dense, architectures: ['Qwen2ForCausalLM'], model_type: 'qwen2', hidden_size: 3584, intermediate_size: 18944 },
  ...{ num_attention_heads: 28, num_key_value_heads: 4, num_hidden_layers: 28, vocab_size: 152064, max_position_embeddings: 32768 },
}

/** What `Model loading took` said in published logs, GiB. */
const logged: readonly (readonly [string, unknown, gfx: string, tensor: number, version: string, number])[] = [
  ['Qwen3 14B FP8, RTX 4090', qwen3, 'cuda', 1, '0.12.0', 15.3388],
  ['Qwen3 14B FP8, R9700', qwen3, 'gfx1201', 1, '0.13.0', 15.418],
  ['Qwen3 14B FP8, two R9700', qwen3, 'gfx1201', 2, '0.13.0', 7.8555],
  ['Qwen2 7B, A100', qwen2, 'cuda', 1, '0.10.1', 14.2488],
  ['Qwen2 7B, two A100', qwen2, 'cuda', 2, '0.10.1', 7.1217],
]

test('weights with the remainders of their segments are what logs say, to a thousandth', () => {
  for (const [name, config, gfx, tensor, engineVersion, wanted] of logged) {
    const answer = fit(describe(config, []), { vramBytes: gib(80), gfx, tensor, engineVersion })
    const loaded = (answer?.weightsBytesPerGpu ?? 0) / gib(1)
    assert.ok(Math.abs(loaded / wanted - 1) < 0.0012, `${name}: ${loaded} instead of ${wanted}`)
  }
})
