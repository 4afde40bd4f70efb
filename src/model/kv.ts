import { count, type Fields, texts } from './fields.ts'

/** What attention keeps of each token: heads that can be divided over GPUs, and bytes over all layers. */
export type KvShape = { readonly heads: number; readonly bytesPerToken: number }

/** Bytes of one element: vLLM's `auto` makes 16 bits of every dtype that config.json can name (`_resolve_auto_dtype`, 0.32). */
const elementBytes = 2

/**
 * Decoders whose every layer keeps keys and values of every token, so that the cost of a token is a constant. Others (windows, state
 * spaces, indexers, shared layers) are left out: a wrong constant is worse than none.
 */
const uniform = new Set(
  `ArceeForCausalLM BaichuanForCausalLM CohereForCausalLM DeepseekForCausalLM ExaoneForCausalLM GemmaForCausalLM
  Glm4ForCausalLM Glm4MoeForCausalLM GlmForCausalLM GraniteForCausalLM GraniteMoeForCausalLM HunYuanDenseV1ForCausalLM
  InternLM2ForCausalLM InternLM3ForCausalLM LlamaForCausalLM MiMoForCausalLM MiniMaxM2ForCausalLM Mistral3ForConditionalGeneration
  MistralForCausalLM MixtralForCausalLM NemotronForCausalLM Olmo2ForCausalLM OlmoForCausalLM OlmoeForCausalLM Phi3ForCausalLM
  Phi4ForCausalLM PixtralForConditionalGeneration Qwen2ForCausalLM Qwen2MoeForCausalLM Qwen2VLForConditionalGeneration
  Qwen2_5_VLForConditionalGeneration Qwen3ForCausalLM Qwen3MoeForCausalLM Qwen3VLForConditionalGeneration
  Qwen3VLMoeForConditionalGeneration SeedOssForCausalLM StableLmForCausalLM Starcoder2ForCausalLM`.split(/\s+/),
)

/** Decoders with multi-head latent attention and nothing beside it. */
const latent = new Set(['DeepseekV2ForCausalLM', 'DeepseekV3ForCausalLM', 'KimiK25ForConditionalGeneration'])

/**
 * KV cache of one token over all layers at TP 1, or undefined where it is no constant or the architecture is not known.
 * GQA: 2 (K and V) x layers x KV heads x head size; MLA: layers x (latent rank + rotary part) (vllm/v1/kv_cache_interface.py).
 */
export const kvShapeOf = (architecture: string | undefined, fields: Fields): KvShape | undefined => {
  if (architecture === undefined) return undefined
  if (latent.has(architecture)) return latentShape(fields)
  return uniform.has(architecture) && !isMixed(fields) ? groupedShape(fields) : undefined
}

const latentShape = (fields: Fields): KvShape | undefined => {
  const [layers, rank, rotary] = [count(fields, 'num_hidden_layers'), count(fields, 'kv_lora_rank'), count(fields, 'qk_rope_head_dim')]
  if (layers === undefined || rank === undefined || rotary === undefined) return undefined
  return { heads: 1, bytesPerToken: layers * (rank + rotary) * elementBytes }
}

const groupedShape = (fields: Fields): KvShape | undefined => {
  const [layers, heads, size] = [count(fields, 'num_hidden_layers'), kvHeadsOf(fields), headSizeOf(fields)]
  if (layers === undefined || heads === undefined || size === undefined) return undefined
  return { heads, bytesPerToken: 2 * layers * heads * size * elementBytes }
}

// Without the field every attention head has its own, as in the first Llama.
const kvHeadsOf = (fields: Fields): number | undefined => count(fields, 'num_key_value_heads', 'num_attention_heads')

/**
 * Size of one head: the field, or the hidden size divided among the heads. The two may differ and the field wins; a latent has no such
 * size.
 */
export const headSizeOf = (fields: Fields): number | undefined => {
  if (fields.kv_lora_rank !== undefined) return count(fields, 'head_dim')
  const [hidden, heads] = [count(fields, 'hidden_size'), count(fields, 'num_attention_heads')]
  return count(fields, 'head_dim') ?? (hidden === undefined || heads === undefined ? undefined : Math.floor(hidden / heads))
}

/** Fields that show layers of more than one kind, or no plain cache. */
const tellTales =
  /^(?:mamba_|linear_(?:num|key|value|conv|attn)|ssm_|hybrid_|layers_block_type|attn_layer_period|full_attention_interval|attention_chunk_size|compress_|index_(?:head|n_heads|topk)|global_head_dim|num_kv_shared_layers|block_configs|no_rope_layers)/

const isMixed = (fields: Fields): boolean =>
  Object.keys(fields).some((key) => tellTales.test(key)) ||
  texts(fields, 'layer_types').some((type) => type !== 'full_attention') ||
  hasWindow(fields)

/** A sliding window in force; Qwen2 names one and switches it off, and one as long as the context cuts nothing. */
const hasWindow = (fields: Fields): boolean => {
  const window = count(fields, 'sliding_window')
  return window !== undefined && fields.use_sliding_window !== false && window < (count(fields, 'max_position_embeddings') ?? Infinity)
}
