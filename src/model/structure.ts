/** From config.json to the whole decoder. */

import type { Architecture, Layer, Tower } from './architecture.ts'
import { contextLengthOf } from './context.ts'
import { count, type Fields, flags, object, text } from './fields.ts'
import { layersOf } from './layers.ts'

/** Families whose class ties the head to the embedding unless the file says otherwise (transformers). */
const tyingFamilies = /^(?:gemma|cohere|phi4mm)/

/**
 * Families with parts that these rules do not know: compressed caches (DeepSeek V4), attention residuals (Kimi K3). Their
 * weights come from the files, and their cache is not counted.
 */
const beyond = /^(?:DeepseekV4|KimiK3)/

/** The decoder of a config.json; undefined where it cannot be counted. `config` is the file's top level, `language` its text part. */
export const architectureOf = (name: string | undefined, config: Fields, language: Fields): Architecture | undefined => {
  if (name !== undefined && beyond.test(name)) return undefined
  const [hidden, vocabulary, layers] = [
    count(language, 'hidden_size', 'n_embd', 'd_model'),
    count(language, 'vocab_size'),
    layersOf(language),
  ]
  if (hidden === undefined || vocabulary === undefined || layers === undefined) return undefined
  if (layers.every(({ feed }) => feed.dense === undefined && feed.experts === undefined)) return undefined
  const tower = fieldsOfTower(config)
  const layerEmbedding = { size: count(language, 'hidden_size_per_layer_input'), rows: count(language, 'vocab_size_per_layer_input') }
  return {
    hidden,
    vocabulary,
    tied:
      flags(config, 'tie_word_embeddings') ??
      flags(language, 'tie_word_embeddings') ??
      tyingFamilies.test(text(language, 'model_type') ?? ''),
    layers,
    rotary: rotaryOf(language, layers),
    draftLayers: count(language, 'num_nextn_predict_layers', 'mtp_num_hidden_layers', 'num_mtp_modules') ?? 0,
    ...(tower === undefined || isTextOnly(config) ? {} : { tower }),
    ...(layerEmbedding.size === undefined
      ? {}
      : { layerEmbedding: { size: layerEmbedding.size, rows: layerEmbedding.rows ?? vocabulary } }),
  }
}

/** What converters write who left the tower out. */
const isTextOnly = (config: Fields): boolean => config.text_only === true || object(config, 'quantization_config')?.text_only === true

/** Towers whose feed-forward parts have a gate. */
const gatedTowers = /^(?:gemma4|pixtral|qwen2_5_vl)/

const fieldsOfTower = (config: Fields): Tower | undefined => {
  const vision = object(object(config, 'thinker_config') ?? config, 'vision_config')
  if (vision === undefined) return undefined
  const [layers, hidden] = [
    count(vision, 'num_hidden_layers', 'depth', 'vt_num_hidden_layers'),
    count(vision, 'hidden_size', 'vt_hidden_size', 'embed_dim'),
  ]
  const intermediate = count(vision, 'intermediate_size', 'vt_intermediate_size')
  if (layers === undefined || hidden === undefined) return undefined
  const gated = gatedTowers.test(text(vision, 'model_type') ?? text(config, 'model_type') ?? '')
  return { layers, hidden, intermediate: intermediate ?? 4 * hidden, gated, merged: (count(vision, 'spatial_merge_size') ?? 1) ** 2 }
}

/**
 * One table for each distinct rotation: positions x rotated part of a head. vLLM builds it for the largest length, which RoPE kinds with a
 * factor stretch (model_executor/layers/rotary_embedding).
 */
const rotaryOf = (fields: Fields, layers: readonly Layer[]): Architecture['rotary'] => {
  const sizes = layers.flatMap(({ mixer }) =>
    mixer.kind === 'heads' ? [`${mixer.keySize}/${mixer.window ?? 0}`] : mixer.kind === 'latent' ? [`${mixer.rope}/0`] : [],
  )
  return [...new Set(sizes)].map((key) => {
    const [size = 0, window = 0] = key.split('/').map(Number)
    const scaled = object(fields, 'rope_parameters') ?? object(fields, 'rope_scaling') ?? {}
    const part = typeof fields.partial_rotary_factor === 'number' ? fields.partial_rotary_factor : scaled.partial_rotary_factor
    const partial = typeof part === 'number' && part > 0 && part <= 1 ? part : 1
    return { positions: positionsOf(fields, scaled, window > 0), size: Math.floor(size * partial) }
  })
}

const positionsOf = (fields: Fields, rope: Fields, local: boolean): number => {
  const own = count(fields, 'max_position_embeddings') ?? contextLengthOf(fields) ?? 0
  const [kind, factor] = [text(rope, 'rope_type', 'type'), typeof rope.factor === 'number' ? rope.factor : 1]
  if (local) return own
  if (kind === 'linear') return own * factor
  return kind === 'yarn' || kind === 'deepseek_yarn' ? (count(rope, 'original_max_position_embeddings') ?? own / factor) * factor : own
}
