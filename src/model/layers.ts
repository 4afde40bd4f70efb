/** From config.json to what each layer is. Field names: planner facts 6, vLLM's `model_arch_config_convertor.py` and the families' own classes. */

import type { Feed, Layer, Mixer } from './architecture.ts'
import { count, type Fields, flags, object, text, texts } from './fields.ts'
import { headSizeOf } from './kv.ts'

/** What a layer does with the tokens before it. */
type Kind = 'full' | 'window' | 'chunk' | 'linear' | 'mamba' | 'none'

/** Nemotron-H writes its layers as one letter each: Mamba, attention, dense, experts. */
const letters: Readonly<Record<string, Kind>> = { M: 'mamba', '*': 'full' }

const kindOfName = (name: string): Kind => {
  if (name.startsWith('full') || name === 'attention' || name === 'hybrid') return 'full'
  if (name.startsWith('sliding')) return 'window'
  if (name.startsWith('chunk')) return 'chunk'
  return name.startsWith('linear') ? 'linear' : 'mamba'
}

/** The kind of each of `amount` layers, by whichever of the families' ways is there. */
const kindsOf = (fields: Fields, amount: number): readonly Kind[] => {
  const each = (kind: (index: number) => Kind) => Array.from({ length: amount }, (_, index) => kind(index))
  const pattern = text(fields, 'hybrid_override_pattern')
  if (pattern !== undefined) return each((index) => letters[pattern[index] ?? ''] ?? 'none')
  const linear = numbersOf(object(fields, 'linear_attn_config') ?? {}, 'kda_layers')
  if (linear.length > 0) return each((index) => (linear.includes(index + 1) ? 'linear' : 'full'))
  const interval = count(fields, 'full_attention_interval')
  const named = [...texts(fields, 'layer_types'), ...texts(fields, 'layers_block_type')]
  // A list that knows no full layer contradicts its own interval (Qwen3.8): the interval is what the engine goes by.
  if (named.length >= amount && (interval === undefined || named.some((name) => kindOfName(name) === 'full')))
    return each((index) => kindOfName(named[index] ?? ''))
  if (interval !== undefined) return each((index) => ((index + 1) % interval === 0 ? 'full' : 'linear'))
  const period = count(fields, 'attn_layer_period')
  if (period !== undefined) return each((index) => (index % period === (count(fields, 'attn_layer_offset') ?? 0) ? 'full' : 'mamba'))
  return each(windowKind(fields))
}

const windowKind = (fields: Fields): ((index: number) => Kind) => {
  const hybrid = numbersOf(fields, 'hybrid_layer_pattern')
  if (hybrid.length > 0) return (index) => (hybrid[index] === 1 ? 'window' : 'full')
  if (count(fields, 'attention_chunk_size') !== undefined) {
    const rope = numbersOf(fields, 'no_rope_layers')
    return (index) => ((rope[index] ?? Number((index + 1) % 4 !== 0)) === 1 ? 'chunk' : 'full')
  }
  if (!hasWindow(fields)) return () => 'full'
  const every = count(fields, 'sliding_window_pattern') ?? windowPatterns[text(fields, 'model_type') ?? '']
  return every === undefined ? () => 'window' : (index) => ((index + 1) % every === 0 ? 'full' : 'window')
}

/** Every how many layers one is full, where the configuration class and not the file says it (transformers). */
const windowPatterns: Readonly<Record<string, number>> = { gemma2: 2, gemma3: 6, gemma3_text: 6, cohere2: 4, gpt_oss: 2 }

/** A sliding window in force; Qwen2 names one and switches it off, and one as long as the context cuts nothing. */
const hasWindow = (fields: Fields): boolean => {
  const window = count(fields, 'sliding_window')
  return window !== undefined && fields.use_sliding_window !== false && window < (count(fields, 'max_position_embeddings') ?? Infinity)
}

const numbersOf = (fields: Fields, name: string): readonly number[] => {
  const value = fields[name]
  return Array.isArray(value) ? value.filter((item) => typeof item === 'number') : []
}

/** Every layer, or undefined where a size that all of them need is not there. */
export const layersOf = (fields: Fields): readonly Layer[] | undefined => {
  const amount = count(fields, 'num_hidden_layers', 'n_layer', 'num_layers')
  const hidden = count(fields, 'hidden_size', 'n_embd', 'd_model')
  if (amount === undefined || hidden === undefined) return undefined
  const blocks = Array.isArray(fields.block_configs) ? (fields.block_configs as readonly Fields[]) : []
  const kinds = kindsOf(fields, amount)
  const owning = amount - (count(fields, 'num_kv_shared_layers') ?? 0)
  const layers = kinds.map((kind, index): Layer | undefined => {
    const block = blocks[index]
    const mixer = block === undefined ? mixerOf(fields, kind, index, index < owning) : mixerOfBlock(fields, block)
    const feed = block === undefined ? feedOf(fields, index, index >= owning) : feedOfBlock(block, hidden)
    return mixer === undefined ? undefined : { mixer, feed }
  })
  return layers.every((layer) => layer !== undefined) ? layers : undefined
}

const mixerOf = (fields: Fields, kind: Kind, index: number, ownsCache: boolean): Mixer | undefined => {
  if (kind === 'none') return { kind }
  if (kind === 'linear' || kind === 'mamba') return stateOf(fields)
  if (count(fields, 'kv_lora_rank') !== undefined) return latentOf(fields, index)
  return headsOf(fields, kind, ownsCache)
}

const stateOf = (fields: Fields): Mixer | undefined => {
  const inner = object(fields, 'linear_attn_config')
  const convolution = count(inner ?? fields, 'short_conv_kernel_size', 'linear_conv_kernel_dim', 'conv_kernel', 'mamba_d_conv') ?? 4
  const stateElementBytes = text(fields, 'mamba_ssm_dtype', 'mamba_ssm_cache_dtype') === 'float32' ? 4 : 2
  if (inner !== undefined) {
    const [heads, size] = [count(inner, 'num_heads', 'head_num') ?? count(fields, 'num_attention_heads'), count(inner, 'head_dim')]
    if (heads === undefined || size === undefined) return undefined
    return { kind: 'delta', keyHeads: heads, valueHeads: heads, keySize: size, valueSize: size, convolution, stateElementBytes: 4 }
  }
  const [keyHeads, valueHeads] = [count(fields, 'linear_num_key_heads'), count(fields, 'linear_num_value_heads')]
  const [keySize, valueSize] = [count(fields, 'linear_key_head_dim'), count(fields, 'linear_value_head_dim')]
  if (keyHeads !== undefined && valueHeads !== undefined && keySize !== undefined && valueSize !== undefined)
    return { kind: 'delta', keyHeads, valueHeads, keySize, valueSize, convolution, stateElementBytes }
  const [heads, headSize] = [count(fields, 'mamba_num_heads', 'mamba_n_heads'), count(fields, 'mamba_head_dim', 'mamba_d_head')]
  const stateSize = count(fields, 'ssm_state_size', 'mamba_d_state')
  if (heads === undefined || headSize === undefined || stateSize === undefined) return undefined
  const groups = count(fields, 'n_groups', 'mamba_n_groups') ?? 1
  // Nemotron-H keeps its state in 32 bits unless told otherwise (vLLM models/config.py).
  const wide = text(fields, 'mamba_ssm_cache_dtype') === undefined && text(fields, 'model_type')?.startsWith('nemotron') === true
  return { kind: 'mamba', heads, headSize, groups, stateSize, convolution, stateElementBytes: wide ? 4 : stateElementBytes }
}

const latentOf = (fields: Fields, index: number): Mixer | undefined => {
  const [queries, rank, rope] = [count(fields, 'num_attention_heads'), count(fields, 'kv_lora_rank'), count(fields, 'qk_rope_head_dim')]
  const [nope, valueSize, queryRank] = [count(fields, 'qk_nope_head_dim'), count(fields, 'v_head_dim'), count(fields, 'q_lora_rank')]
  if (queries === undefined || rank === undefined || rope === undefined || nope === undefined || valueSize === undefined) return undefined
  const [heads, size] = [count(fields, 'index_n_heads'), count(fields, 'index_head_dim')]
  const own = texts(fields, 'indexer_types')[index] !== 'shared'
  return {
    ...{ kind: 'latent', queries, rank, rope, nope, valueSize },
    ...(queryRank === undefined ? {} : { queryRank }),
    ...(heads === undefined || size === undefined || !own ? {} : { indexer: { heads, size } }),
  }
}

const headsOf = (fields: Fields, kind: 'full' | 'window' | 'chunk', ownsCache: boolean): Mixer | undefined => {
  const sliding = kind === 'window'
  const wide = kind === 'full' && fields.global_head_dim !== undefined
  const queries = count(fields, ...(sliding ? ['swa_num_attention_heads'] : []), 'num_attention_heads', 'n_head')
  const heads = count(
    fields,
    ...(wide ? ['num_global_key_value_heads'] : sliding ? ['swa_num_key_value_heads'] : []),
    'num_key_value_heads',
  )
  const keySize = (wide ? count(fields, 'global_head_dim') : sliding ? count(fields, 'swa_head_dim') : undefined) ?? headSizeOf(fields)
  if (queries === undefined || keySize === undefined) return undefined
  const reach = count(fields, kind === 'chunk' ? 'attention_chunk_size' : 'sliding_window')
  return {
    ...{ kind: 'heads', queries, keySize, ownsCache, heads: heads ?? queries },
    valueSize: (sliding ? count(fields, 'swa_v_head_dim') : undefined) ?? count(fields, 'v_head_dim') ?? keySize,
    gated: flags(fields, 'attn_output_gate') ?? gatedFamilies.has(text(fields, 'model_type') ?? ''),
    bias: flags(fields, 'attention_bias', 'qkv_bias') ?? biasedFamilies.test(text(fields, 'model_type') ?? ''),
    ...(sliding && reach !== undefined ? { window: reach } : {}),
    ...(kind === 'chunk' && reach !== undefined ? { chunk: reach } : {}),
  }
}

/** Gated by their class, without a field that says so. */
const gatedFamilies = new Set(['qwen3_next', 'qwen3_5_text', 'qwen3_5_moe_text'])
const biasedFamilies = /^qwen2/

const mixerOfBlock = (fields: Fields, block: Fields): Mixer | undefined => {
  const attention = object(block, 'attention') ?? {}
  const perGroup = count(attention, 'n_heads_in_group')
  const queries = count(fields, 'num_attention_heads')
  if (perGroup === undefined || queries === undefined) return { kind: 'none' }
  return headsOf({ ...fields, num_key_value_heads: queries / perGroup }, 'full', true)
}

/** DeciLM: the width is a multiple of the hidden size, rounded up to 256 (its `_ffn_mult_to_intermediate_size`). */
const feedOfBlock = (block: Fields, hidden: number): Feed => {
  const feed = object(block, 'ffn') ?? {}
  const size = count(feed, 'intermediate_size')
  const multiple = typeof feed.ffn_mult === 'number' ? feed.ffn_mult : undefined
  const dense = size ?? (multiple === undefined ? undefined : Math.ceil(Math.floor((2 * multiple * hidden) / 3) / 256) * 256)
  return { gated: true, ...(dense === undefined || feed.no_op === true ? {} : { dense }) }
}

const feedOf = (fields: Fields, index: number, sharesCache: boolean): Feed => {
  const letter = text(fields, 'hybrid_override_pattern')?.[index]
  if (letter === 'M' || letter === '*') return { gated: false }
  const experts = letter === '-' ? undefined : expertsOf(fields, index)
  const doubled = sharesCache && fields.use_double_wide_mlp === true ? 2 : 1
  const width = count(
    fields,
    ...(letter === '-' ? [] : ['intermediate_size_mlp', 'dense_intermediate_size']),
    'intermediate_size',
    'n_inner',
  )
  const dense = experts === undefined || fields.enable_moe_block === true ? width : undefined
  return {
    gated: letter === undefined,
    ...(dense === undefined ? {} : { dense: dense * doubled }),
    ...(experts === undefined ? {} : { experts }),
  }
}

const expertsOf = (fields: Fields, index: number): Feed['experts'] => {
  const amount = count(fields, 'n_routed_experts', 'num_local_experts', 'num_experts', 'moe_num_experts')
  if (amount === undefined || !isSparse(fields, index)) return undefined
  const size = count(fields, 'moe_intermediate_size', 'expert_intermediate_size', 'intermediate_size')
  if (size === undefined) return undefined
  const shared = count(fields, 'n_shared_experts', 'num_shared_experts')
  const sharedSize =
    count(
      fields,
      'shared_expert_intermediate_size',
      'moe_shared_expert_intermediate_size',
      'share_expert_dim',
      'shared_intermediate_size',
    ) ?? (shared ?? (text(fields, 'model_type')?.startsWith('llama4') ? 1 : 0)) * size
  const active = count(fields, 'num_experts_per_tok', 'num_experts_per_token', 'top_k_experts', 'moe_topk') ?? 1
  const latent = count(fields, 'moe_latent_size', 'routed_expert_hidden_size')
  return { count: amount, size, active, shared: sharedSize, ...(latent === undefined ? {} : { latent }) }
}

const isSparse = (fields: Fields, index: number): boolean => {
  const letter = text(fields, 'hybrid_override_pattern')?.[index]
  if (letter !== undefined) return letter === 'E'
  const types = texts(fields, 'mlp_layer_types')
  if (types.length > 0) return types[index] === 'sparse'
  const frequency = numbersOf(fields, 'moe_layer_freq')
  if (frequency.length > 0) return frequency[index] === 1
  if (index < (count(fields, 'first_k_dense_replace') ?? 0)) return false
  if (numbersOf(fields, 'mlp_only_layers').includes(index)) return false
  const step = count(fields, 'interleave_moe_layer_step', 'decoder_sparse_step', 'moe_layer_freq', 'expert_layer_period') ?? 1
  return step === 1 || (index + 1) % step === 0
}
