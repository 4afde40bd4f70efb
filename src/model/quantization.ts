import { isRecord } from '../std/json.ts'
import { type Fields, object, text } from './fields.ts'

/** The checkpoint's quantization: under `quantization_config` of either level, or the older `compression_config`. */
export const declaredQuantization = (config: Fields, language: Fields): Fields | undefined =>
  object(config, 'quantization_config') ?? object(language, 'quantization_config') ?? object(config, 'compression_config')

/** Name of the quantization method, as config.json has it: `fp8`, `compressed-tensors`, `mxfp4` ... */
export const quantizationOf = (config: Fields, language: Fields): string | undefined => {
  const quantization = declaredQuantization(config, language)
  return quantization === undefined ? undefined : text(quantization, 'quant_method', 'quant_algo')
}

/** Methods that have one format. */
const formats: Readonly<Record<string, string>> = { fp8: 'fp8', fbgemm_fp8: 'fp8', mxfp4: 'fp4', gpt_oss_mxfp4: 'fp4', awq: 'int4' }

/** Unquantized types as config.json writes them. */
const types: Readonly<Record<string, string>> = { bfloat16: 'bf16', float16: 'fp16', half: 'fp16', float32: 'fp32', float: 'fp32' }

/**
 * Number format of most of the weights in the words of AIM_PRECISION, by what each method declares: compressed-tensors `num_bits` and
 * `type`, GPTQ and AutoRound `bits`, ModelOpt `quant_algo`, Quark `dtype`. Groups of different widths have no one format.
 */
export const precisionOf = (config: Fields, language: Fields, dtype: string | undefined): string | undefined => {
  const quantization = declaredQuantization(config, language)
  if (quantization === undefined) return dtype === undefined ? undefined : types[dtype]
  const method = text(quantization, 'quant_method', 'quant_algo') ?? ''
  return formats[method] ?? byWidth(weightsOf(quantization)) ?? byName(quantization)
}

type Width = { readonly bits: number; readonly kind: 'fp' | 'int' }

const byWidth = (width: Width | undefined): string | undefined =>
  width === undefined || (width.bits !== 4 && width.bits !== 8) ? undefined : `${width.kind}${width.bits}`

const weightsOf = (quantization: Fields): Width | undefined => {
  const groups = Object.values(object(quantization, 'config_groups') ?? {}).filter(isRecord)
  const [first, ...others] = (groups.length > 0 ? groups : [quantization]).map(widthOf)
  return others.every((other) => other?.bits === first?.bits && other?.kind === first?.kind) ? first : undefined
}

const widthOf = (group: Fields): Width | undefined => {
  const weights = object(group, 'weights') ?? group
  const bits = weights.num_bits ?? weights.bits
  return typeof bits === 'number' ? { bits, kind: text(weights, 'type') === 'float' ? 'fp' : 'int' } : undefined
}

const byName = (quantization: Fields): string | undefined => {
  const weight = object(object(quantization, 'global_quant_config') ?? {}, 'weight') ?? {}
  const name = (text(quantization, 'quant_algo', 'format') ?? text(weight, 'dtype') ?? '').toLowerCase()
  if (/^(?:nvfp4|mxfp4|fp4)/.test(name)) return 'fp4'
  if (/^fp8|^float-quantized/.test(name)) return 'fp8'
  return /^int4/.test(name) ? 'int4' : /^int8|^int-quantized/.test(name) ? 'int8' : undefined
}
