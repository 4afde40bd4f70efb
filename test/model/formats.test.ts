import assert from 'node:assert/strict'
import { test } from 'node:test'
import { formatsOf } from '../../src/model/formats.ts'
import { matcherOf } from '../../src/model/module-names.ts'

const q = 'model.layers.3.self_attn.q_proj'
const group = (weights: object, more: object = {}) => ({ config_groups: { group_0: { targets: ['Linear'], weights } }, ...more })
const int4 = { num_bits: 4, type: 'int', strategy: 'group', group_size: 32, symmetric: true }

const rows: readonly (readonly [string, object, string, number])[] = [
  ['FP8 in blocks', { quant_method: 'fp8', weight_block_size: [128, 128] }, q, 1 + 4 / 16384],
  ['FP8 by tensor', { quant_method: 'fp8' }, q, 1],
  ['the head stays in 16 bits', { quant_method: 'fp8' }, 'lm_head', 2],
  ['a router stays in 16 bits', { quant_method: 'fp8' }, 'model.layers.3.mlp.gate', 2],
  ['a tower stays in 16 bits', { quant_method: 'fp8' }, 'visual.mlp', 2],
  ['a listed module stays in 16 bits', { quant_method: 'fp8', modules_to_not_convert: [q] }, q, 2],
  ['AWQ with zero points', { quant_method: 'awq', bits: 4, group_size: 128, zero_point: true }, q, (4 + 20 / 128) / 8],
  ['GPTQ, symmetric', { quant_method: 'gptq', bits: 4, group_size: 128, sym: true }, q, (4 + 16 / 128) / 8],
  ['compressed-tensors in groups of 32', { quant_method: 'compressed-tensors', ...group(int4) }, q, 0.5625],
  ['NVFP4', { quant_method: 'compressed-tensors', format: 'nvfp4-pack-quantized' }, q, 0.5625],
  ['MXFP4 by Quark', { quant_method: 'quark', global_quant_config: { weight: { dtype: 'fp4' } } }, q, 4.25 / 8],
  ['gpt-oss: attention', { quant_method: 'mxfp4' }, q, 2],
  ['gpt-oss: experts', { quant_method: 'mxfp4' }, 'model.layers.3.mlp.experts.up_proj', 4.25 / 8],
  ['not quantized', {}, q, 2],
]

test('bytes of an element follow from the method, its groups and its list', () => {
  for (const [name, quantization_config, module, bytes] of rows) {
    const config = Object.keys(quantization_config).length === 0 ? {} : { quantization_config }
    assert.equal(formatsOf(config, {})(module).element, bytes, name)
  }
})

test('groups with targets of their own differ by module', () => {
  const quantization_config = {
    quant_method: 'modelopt',
    config_groups: {
      group_0: { weights: { num_bits: 8, type: 'float' }, targets: ['model.language_model.layers.0.linear_attn.in_proj_z'] },
      group_1: { weights: { num_bits: 4, type: 'float', group_size: 16 }, targets: ['lm_head', 'model.language_model.layers.0.mlp*'] },
    },
  }
  const formatOf = formatsOf({ quantization_config }, {})
  assert.equal(formatOf('model.layers.0.linear_attn.in_proj_z').element, 1)
  assert.equal(formatOf('model.layers.0.mlp.up_proj').element, 0.5625)
  assert.equal(formatOf('lm_head').element, 0.5625)
  assert.equal(formatOf('model.layers.0.self_attn.q_proj').element, 2)
})

const lists: readonly (readonly [string, readonly string[], string, boolean])[] = [
  ['a whole name', ['model.layers.3.self_attn.q_proj'], q, true],
  ['what is below a name', ['model.layers.3.self_attn'], q, true],
  ['another layer', ['model.layers.30.self_attn'], q, false],
  ['a last part', ['q_proj'], q, true],
  ['a part of a last part', ['proj'], q, false],
  ['an expression', ['re:.*self_attn.*'], q, true],
  ['a star', ['model.language_model.layers.3.self*'], q, true],
  ['an expression that is none', ['re:(('], q, false],
  ["another checkpoint's words", ['model.layers.3.block_sparse_moe.gate'], 'model.layers.3.mlp.gate', true],
  ['a list that is abridged', ['model.layers.0.self_attn.q_proj', '... 283 entries in total'], q, true],
]

test('names are matched as the engines match them', () => {
  for (const [name, entries, module, expected] of lists) assert.equal(matcherOf(entries)(module), expected, name)
})
