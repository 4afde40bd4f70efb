import type { Tensor } from './safetensors.ts'
import { tensorBytes } from './safetensors.ts'

/** A model's config.json and the tensors that go with it. */
export type Architecture = { readonly config: Readonly<Record<string, unknown>>; readonly tensors: readonly Tensor[] }

type Size = { readonly hidden: number; readonly intermediate: number; readonly heads: number; readonly kvHeads: number }

const vocabulary = 512

// Heads of 64, which every attention kernel knows; wider when more megabytes are wanted, so that layers stay few.
const sizeFor = (megabytes: number): Size => {
  const hidden = megabytes < 16 ? 256 : megabytes < 512 ? 512 : 2048
  return { hidden, intermediate: hidden * 3, heads: hidden / 64, kvHeads: hidden / 128 }
}

const random = (name: string, ...shape: number[]): Tensor => ({ name, shape, fill: 'random' })
const ones = (name: string, ...shape: number[]): Tensor => ({ name, shape, fill: 'ones' })
const zeros = (name: string, ...shape: number[]): Tensor => ({ name, shape, fill: 'zeros' })

const total = (tensors: readonly Tensor[]): number => tensors.reduce((bytes, tensor) => bytes + tensorBytes(tensor), 0)

const stack = (megabytes: number, around: readonly Tensor[], layer: (index: number) => readonly Tensor[]) => {
  const layers = Math.max(1, Math.round((megabytes * 1024 ** 2 - total(around)) / total(layer(0))))
  return { layers, tensors: [...around, ...Array.from({ length: layers }, (_, index) => layer(index)).flat()] }
}

const llamaLayer = ({ hidden, intermediate, kvHeads }: Size, index: number): readonly Tensor[] => {
  const at = `model.layers.${index}`
  return [
    ones(`${at}.input_layernorm.weight`, hidden),
    random(`${at}.self_attn.q_proj.weight`, hidden, hidden),
    random(`${at}.self_attn.k_proj.weight`, kvHeads * 64, hidden),
    random(`${at}.self_attn.v_proj.weight`, kvHeads * 64, hidden),
    random(`${at}.self_attn.o_proj.weight`, hidden, hidden),
    ones(`${at}.post_attention_layernorm.weight`, hidden),
    random(`${at}.mlp.gate_proj.weight`, intermediate, hidden),
    random(`${at}.mlp.up_proj.weight`, intermediate, hidden),
    random(`${at}.mlp.down_proj.weight`, hidden, intermediate),
  ]
}

/** A decoder as Llama's, of about so many megabytes. */
export const llama = (megabytes: number): Architecture => {
  const size = sizeFor(megabytes)
  const around = [
    random('model.embed_tokens.weight', vocabulary, size.hidden),
    ones('model.norm.weight', size.hidden),
    random('lm_head.weight', vocabulary, size.hidden),
  ]
  const { layers, tensors } = stack(megabytes, around, (index) => llamaLayer(size, index))
  const config = {
    architectures: ['LlamaForCausalLM'],
    model_type: 'llama',
    vocab_size: vocabulary,
    hidden_size: size.hidden,
    intermediate_size: size.intermediate,
    num_hidden_layers: layers,
    num_attention_heads: size.heads,
    num_key_value_heads: size.kvHeads,
    head_dim: 64,
    hidden_act: 'silu',
    max_position_embeddings: 2048,
    rms_norm_eps: 1e-5,
    rope_theta: 10000,
    attention_bias: false,
    mlp_bias: false,
    tie_word_embeddings: false,
    initializer_range: 0.02,
    bos_token_id: 0,
    eos_token_id: 1,
    pad_token_id: 2,
    torch_dtype: 'bfloat16',
    use_cache: true,
  }
  return { config, tensors }
}

const dense = (name: string, out: number, from: number): readonly Tensor[] => [
  random(`${name}.weight`, out, from),
  zeros(`${name}.bias`, out),
]
const norm = (name: string, length: number): readonly Tensor[] => [ones(`${name}.weight`, length), zeros(`${name}.bias`, length)]

const bertLayer = ({ hidden, intermediate }: Size, index: number): readonly Tensor[] => {
  const at = `encoder.layer.${index}`
  return [
    ...['query', 'key', 'value'].flatMap((name) => dense(`${at}.attention.self.${name}`, hidden, hidden)),
    ...dense(`${at}.attention.output.dense`, hidden, hidden),
    ...norm(`${at}.attention.output.LayerNorm`, hidden),
    ...dense(`${at}.intermediate.dense`, intermediate, hidden),
    ...dense(`${at}.output.dense`, hidden, intermediate),
    ...norm(`${at}.output.LayerNorm`, hidden),
  ]
}

/** An encoder as BERT's, as sentence-transformers stores it, of about so many megabytes. */
export const bert = (megabytes: number): Architecture => {
  const size = sizeFor(megabytes)
  const around = [
    random('embeddings.word_embeddings.weight', vocabulary, size.hidden),
    random('embeddings.position_embeddings.weight', 512, size.hidden),
    random('embeddings.token_type_embeddings.weight', 2, size.hidden),
    ...norm('embeddings.LayerNorm', size.hidden),
    ...dense('pooler.dense', size.hidden, size.hidden),
  ]
  const { layers, tensors } = stack(megabytes, around, (index) => bertLayer(size, index))
  const config = {
    architectures: ['BertModel'],
    model_type: 'bert',
    vocab_size: vocabulary,
    hidden_size: size.hidden,
    intermediate_size: size.intermediate,
    num_hidden_layers: layers,
    num_attention_heads: size.heads,
    hidden_act: 'gelu',
    max_position_embeddings: 512,
    type_vocab_size: 2,
    layer_norm_eps: 1e-12,
    hidden_dropout_prob: 0.1,
    attention_probs_dropout_prob: 0.1,
    initializer_range: 0.02,
    pad_token_id: 2,
    torch_dtype: 'bfloat16',
  }
  return { config, tensors }
}
