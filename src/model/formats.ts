/** How many bytes a checkpoint's quantization makes of a matrix, by the matrix's name. */

import { isRecord } from '../std/json.ts'
import { count, type Fields, flags, object, text, texts } from './fields.ts'
import { matcherOf, type NameMatcher } from './module-names.ts'
import { declaredQuantization } from './quantization.ts'

/** Bytes of one element, scales of blocks and groups included, and of one row's own scale. */
export type Format = { readonly element: number; readonly row: number }

/** The format of a matrix, by its module's name: `model.layers.3.self_attn.q_proj`. */
export type FormatOf = (name: string) => Format

/** What a matrix is besides a plain linear layer, and so usually left in 16 bits. */
const usuallySpared = /(?:^|\.)(?:embed_tokens|lm_head|norms?|gate|router|conv1d|visual|mtp)(?:\.|$)|\.bias$|embed_tokens_per_layer/

/** Tables that a quantization can name beside linear layers. */
const tables = /embed_tokens/

const plain = (bytes: number): Format => ({ element: bytes, row: 0 })

/** Elements of vLLM's 16-bit types; it makes 16 bits of 32 while loading. */
const unquantized = plain(2)

/** The scale of a group of `size` elements spread over them, in bytes. */
const scaled = (bits: number, scaleBits: number, size: number): Format => plain((bits + scaleBits / size) / 8)

/** FP8 in blocks of 128x128 with a 32-bit scale each. */
const blocks = plain(1 + 4 / 128 ** 2)

/** MXFP4: 4 bits and an 8-bit exponent for 32; NVFP4: 4 bits and an 8-bit scale for 16 (OCP MX 1.0; NVIDIA's ModelOpt). */
const mxfp4 = scaled(4, 8, 32)
const nvfp4 = scaled(4, 8, 16)

/** The formats of a checkpoint's matrices. */
export const formatsOf = (config: Fields, language: Fields): FormatOf => {
  const quantization = declaredQuantization(config, language)
  if (quantization === undefined) return () => unquantized
  const ignored = matcherOf(ignoredBy(quantization))
  const groups = groupsOf(quantization)
  const tableBits = count(quantization, 'embedding_bits')
  const layerTableBits = count(quantization, 'ple_bits') ?? tableBits
  return (name) => {
    const bits = name.includes('per_layer') ? layerTableBits : tableBits
    if (tables.test(name)) return bits === undefined || bits > 8 ? unquantized : scaled(bits, 16, 32)
    if (ignored(name)) return unquantized
    const named = groups.find(({ targets }) => targets?.(name))
    if (named !== undefined) return named.format
    const rest = groups.find(({ targets }) => targets === undefined)
    return rest === undefined || usuallySpared.test(name) ? unquantized : rest.format
  }
}

/** `targets` is absent where a group is for every linear layer. */
type Group = { readonly targets?: NameMatcher; readonly format: Format }

const ignoredBy = (quantization: Fields): readonly string[] => {
  const lists = ['ignore', 'modules_to_not_convert', 'ignored_layers', 'exclude', 'exclude_modules'] as const
  const named = lists.flatMap((key) => texts(quantization, key))
  // gpt-oss converts its experts and nothing else, whatever the list calls them (vLLM mxfp4.py).
  return isGptOss(quantization) ? ['re:^(?!.*experts)'] : named
}

const isGptOss = (quantization: Fields): boolean => /^(?:gpt_oss_)?mxfp4$/.test(text(quantization, 'quant_method') ?? '')

const groupsOf = (quantization: Fields): readonly Group[] => {
  const declared = Object.values(object(quantization, 'config_groups') ?? {}).filter(isRecord)
  const groups = declared.map((group): Group => {
    const names = texts(group, 'targets').filter((target) => !/^(?:Linear|FusedMoE|\w+Linear)$/.test(target))
    const format = formatOf({ ...quantization, ...group }, object(group, 'weights') ?? {})
    return names.length === 0 ? { format } : { format, targets: matcherOf(names) }
  })
  return groups.length > 0 ? groups : [{ format: formatOf(quantization, object(quantization, 'weights') ?? quantization) }]
}

const formatOf = (group: Fields, weights: Fields): Format => {
  const method = text(group, 'quant_method', 'quant_algo') ?? ''
  const name = [method, text(group, 'format', 'quant_algo'), text(group, 'weights'), quarkDtype(group)].join(' ').toLowerCase()
  const bits = count(weights, 'num_bits', 'bits', 'w_bit')
  const size = count(weights, 'group_size', 'q_group_size')
  if (bits === 4 || /nvfp4|mxfp4|\bfp4/.test(name)) return fourBits(name, weights, size)
  if (bits === 8 && text(weights, 'type') !== 'float') return size === undefined ? perRow : scaled(8, 16, size)
  if (Array.isArray(group.weight_block_size) || Array.isArray(weights.block_structure)) return blocks
  if (text(weights, 'strategy') === 'channel') return perRow
  if (bits !== undefined && bits !== 8) return plain(bits / 8)
  return bits === 8 || /fp8|float8|int8/.test(name) ? plain(1) : unquantized
}

/** One 32-bit scale for each output. */
const perRow: Format = { element: 1, row: 4 }

const quarkDtype = (group: Fields): string | undefined => {
  const weight = object(object(group, 'global_quant_config') ?? {}, 'weight') ?? {}
  return text(weight, 'dtype') === 'fp4' ? 'mxfp4' : text(weight, 'dtype')
}

/** Integers in groups keep a 16-bit scale, and 4 bits of zero point where they are not symmetric. */
const fourBits = (name: string, weights: Fields, size: number | undefined): Format => {
  if (name.includes('mxfp4')) return mxfp4
  if (name.includes('nvfp4') || text(weights, 'type') === 'float') return nvfp4
  const symmetric = flags(weights, 'symmetric', 'sym') ?? flags(weights, 'zero_point') !== true
  return scaled(4, symmetric ? 16 : 20, size ?? 128)
}
