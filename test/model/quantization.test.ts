import assert from 'node:assert/strict'
import { test } from 'node:test'
import { precisionOf, quantizationOf } from '../../src/model/quantization.ts'

const group = (num_bits: number, type: string) => ({ weights: { num_bits, type } })

const rows: readonly (readonly [Record<string, unknown> | undefined, string | undefined, string | undefined])[] = [
  [undefined, undefined, 'bf16'],
  [{ quant_method: 'fp8', fmt: 'e4m3' }, 'fp8', 'fp8'],
  [{ quant_method: 'mxfp4' }, 'mxfp4', 'fp4'],
  [{ quant_method: 'awq', bits: 4 }, 'awq', 'int4'],
  [{ quant_method: 'gptq', bits: 8 }, 'gptq', 'int8'],
  [{ quant_method: 'auto-round', bits: 4 }, 'auto-round', 'int4'],
  [{ quant_method: 'compressed-tensors', config_groups: { group_0: group(8, 'float') } }, 'compressed-tensors', 'fp8'],
  [{ quant_method: 'compressed-tensors', config_groups: { group_0: group(4, 'int') } }, 'compressed-tensors', 'int4'],
  [{ quant_method: 'compressed-tensors', weights: { num_bits: 8, type: 'int' } }, 'compressed-tensors', 'int8'],
  [{ quant_method: 'compressed-tensors', format: 'nvfp4-pack-quantized' }, 'compressed-tensors', 'fp4'],
  [{ quant_method: 'modelopt', quant_algo: 'NVFP4' }, 'modelopt', 'fp4'],
  [{ quant_method: 'modelopt', quant_algo: 'FP8' }, 'modelopt', 'fp8'],
  [{ quant_method: 'quark', global_quant_config: { weight: { dtype: 'fp8_e4m3' } } }, 'quark', 'fp8'],
  [{ quant_method: 'quark', global_quant_config: { weight: { dtype: 'fp4' } } }, 'quark', 'fp4'],
  // Attention in 8 bits and the rest in 4: no one word is true of it.
  [{ quant_method: 'modelopt', config_groups: { a: group(8, 'float'), b: group(4, 'float') } }, 'modelopt', undefined],
  [{ quant_method: 'something-new' }, 'something-new', undefined],
]

test('the quantization and its number format are read from what each method declares', () => {
  for (const [quantization, method, precision] of rows) {
    const config = quantization === undefined ? {} : { quantization_config: quantization }
    assert.equal(quantizationOf(config, config), method, JSON.stringify(quantization))
    assert.equal(precisionOf(config, config, 'bfloat16'), precision, JSON.stringify(quantization))
  }
})

test('a quantization declared inside the language part counts', () => {
  assert.equal(precisionOf({}, { quantization_config: { quant_method: 'fp8' } }, 'bfloat16'), 'fp8')
})

test('an unquantized model without a dtype has no known format', () => {
  assert.equal(precisionOf({}, {}, undefined), undefined)
})
