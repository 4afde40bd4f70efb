/** From config.json and what is known of the files to all that memory follows from. */

import type { StoredTensor } from '../std/safetensors.ts'
import { allocationsOf } from './allocations.ts'
import type { Architecture } from './architecture.ts'
import { cacheLayersOf } from './cache-layers.ts'
import type { ModelShape } from './facts.ts'
import { count, type Fields, object, text } from './fields.ts'
import { type FormatOf, formatsOf } from './formats.ts'
import { heldTensors } from './header-tensors.ts'
import { declaredQuantization } from './quantization.ts'
import { type Tensor, tensorsOf } from './tensors.ts'
import { shapeOf } from './weights-share.ts'
import { collect, countedParts, extraParts, partOf, type WeightPart } from './weights-split.ts'

/** What is known of the weights themselves, best first: every tensor of the files, or their size together. */
export type KnownWeights = { readonly tensors?: readonly StoredTensor[]; readonly bytes?: number; readonly dtype?: string }

/** The shape of a decoder in a checkpoint of the given configuration. */
export const modelShapeOf = (architecture: Architecture, config: Fields, language: Fields, known: KnownWeights): ModelShape => {
  const formatOf = formatsOf(config, language)
  const tensors = tensorsOf(architecture)
  const counted = countedParts(tensors, architecture.layers.length, formatOf)
  const { parts, source } = bestParts(counted, architecture, known)
  const cache = cacheLayersOf(architecture)
  return {
    ...shapeOf(architecture),
    parts: [...parts, ...extraParts(architecture, formatOf)],
    source,
    allocations: allocationsOf(tensors, architecture.layers.length, formatOf),
    cache,
    draftCache: architecture.draftLayers > 0 ? cacheLayersOf(withDraft(architecture)) : cache,
    cacheElementBytes: cacheElementBytes(config, language),
    hidden: architecture.hidden,
    activeIntermediate: Math.max(0, ...architecture.layers.map(({ feed }) => (feed.dense ?? 0) + activeOf(feed.experts))),
    vocabulary: architecture.vocabulary,
    mixers: [...new Set(architecture.layers.map(({ mixer }) => mixer.kind))],
    hasTower: architecture.tower !== undefined,
    activeBytes: activeBytes(tensors, architecture, formatOf),
    paddedExperts: isMxfp4(config, language),
  }
}

type Experts = Architecture['layers'][number]['feed']['experts']

const activeOf = (experts: Experts): number => (experts === undefined ? 0 : experts.shared + experts.active * experts.size)

/** A draft layer keeps what the model's last attention layer keeps. */
const withDraft = (architecture: Architecture): Architecture => {
  const model = architecture.layers.findLast(({ mixer }) => mixer.kind === 'heads' || mixer.kind === 'latent')
  const added = model === undefined ? [] : Array.from({ length: architecture.draftLayers }, () => model)
  return { ...architecture, layers: [...architecture.layers, ...added] }
}

/** How far a count may be from the files' size and still tell what they hold. */
const plainMiss = 0.03

/** The files' own tensors; else what was counted, stretched to the files' size, since the draft layers and towers may be among them. */
const bestParts = (
  counted: readonly WeightPart[],
  { layers, tied }: Architecture,
  { tensors, bytes, dtype }: KnownWeights,
): Pick<ModelShape, 'parts' | 'source'> => {
  if (tensors !== undefined && tensors.length > 0)
    return { parts: collect(heldTensors(tensors, { tied, dtype }), layers.length), source: 'headers' }
  if (bytes === undefined) return { parts: counted, source: 'architecture' }
  const total = (parts: readonly WeightPart[]) => parts.reduce((sum, part) => sum + part.bytes, 0)
  const without = counted.filter(({ part }) => part !== 'draft')
  // Not every repository brings its draft layers: they are among the files only where the sum with them is near enough to say so.
  const missed = (parts: readonly WeightPart[]) => Math.abs(total(parts) - bytes) / bytes
  const held = missed(counted) < Math.min(missed(without), plainMiss) ? counted : without
  const stretch = bytes / Math.max(1, total(held))
  return { parts: held.map((part) => ({ ...part, bytes: part.bytes * stretch })), source: 'files' }
}

/** `kv_cache_scheme` makes an 8-bit cache of vLLM's `auto` (ModelOpt, compressed-tensors). */
const cacheElementBytes = (config: Fields, language: Fields): number => {
  const quantization = declaredQuantization(config, language) ?? {}
  const scheme = object(quantization, 'kv_cache_scheme')
  const named = text(quantization, 'kv_cache_quant_algo')?.toLowerCase()
  return (scheme !== undefined && count(scheme, 'num_bits') === 8) || named === 'fp8' ? 1 : 2
}

const activeBytes = (tensors: readonly Tensor[], { layers, tied }: Architecture, formatOf: FormatOf): number => {
  const experts = layers.map(({ feed }) => feed.experts).find((found) => found !== undefined)
  const share = experts === undefined ? 1 : experts.active / experts.count
  return tensors.reduce((sum, { name, rows, columns, copies }) => {
    const part = partOf(name, layers.length)
    // The table is looked up, not multiplied with, unless it is the head too.
    if (part === 'tower' || part === 'draft' || (part === 'first' && !(tied && name.endsWith('embed_tokens')))) return sum
    const { element, row } = formatOf(name)
    return sum + copies * rows * (columns * element + row) * (name.includes('.experts.') ? share : 1)
  }, 0)
}

const isMxfp4 = (config: Fields, language: Fields): boolean => {
  const quantization = declaredQuantization(config, language)
  return quantization !== undefined && /mxfp4/.test(text(quantization, 'quant_method', 'weights', 'format') ?? '')
}
