/** What the headers alone tell of a decoder whose architecture is not understood: bounds, and no more. */

import type { StoredTensor } from '../std/safetensors.ts'
import { count, type Fields } from './fields.ts'
import { type Holding, heldTensors } from './header-tensors.ts'
import type { Shape } from './weights-share.ts'
import { collect, partOf, type Split, splitOf, type WeightPart } from './weights-split.ts'

/** Bounds of what one GPU holds. The weights as a whole are exact; how an engine divides them and what it keeps of a token are not known. */
export type Bounds = Shape & {
  /** By the rules that hold for decoders that are understood. */
  readonly parts: readonly WeightPart[]
  /** The same, but undivided wherever a name is none that those decoders have. */
  readonly undivided: readonly WeightPart[]
  /**
   * Elements of one token over all layers, at most: those of heads, which tensor parallelism divides as far as they go, and those that every
   * GPU keeps whole. Absent where no tensor is seen to make any. It may be less, down to nothing.
   */
  readonly cacheElements?: { readonly heads: number; readonly whole: number }
  /** Some layers keep a state of a fixed size for each request, which is not known. */
  readonly stateful: boolean
}

/** Modules that every decoder divides over tensor ranks, by the names of Hugging Face and of DeepSeek's own files. */
const divided =
  /(?:^|\.)(?:[qkvo]_proj|qkv_proj|[qk]v?_b_proj|(?:gate|up|down|gate_up)_proj|w[123]|wq_b|wkv_b|wo(?:_[ab])?|fc[12]|lm_head|head|embed|embed_tokens)\./

const cautious = (name: string): Split => {
  const split = splitOf(name)
  return split === 'tensor' && !divided.test(name) ? 'whole' : split
}

/** Projections whose outputs are kept of a token, or what they are made of: keys and values of heads, and latents. */
const ofHeads = /(?:^|\.)(?:[kv]_proj|w[kv]|kv_proj|qkv_proj|query_key_value|Wqkv|c_attn)\.(?:weight|weight_packed|qweight)$/
const ofLatents = /(?:^|\.)(?:wkv|kv_a_proj(?:_with_mqa)?|wkv_a)\.(?:weight|weight_packed|qweight)$/

/** Outputs of a projection; GPTQ and AWQ store it the other way round, AWQ eight outputs in a number. */
const outputsOf = ({ name, shape }: StoredTensor): number => (name.endsWith('.qweight') ? (shape[1] ?? 0) * 8 : (shape[0] ?? 0))

/** Parameters that only layers with a state have (Mamba, Gated DeltaNet, KDA). */
const ofState = /(?:^|\.)(?:A_log|dt_bias|(?:[qkv]_)?conv1d)(?:\.|$)/

const layerOf = (name: string): number => Number(/(?:^|\.)layers\.(\d+)\./.exec(name)?.[1] ?? -1)

/** The bounds of a checkpoint by its headers; undefined where they name nothing. */
export const boundsOf = (stored: readonly StoredTensor[], language: Fields, holding: Holding): Bounds | undefined => {
  if (stored.length === 0) return undefined
  const layers =
    count(language, 'num_hidden_layers', 'n_layer', 'num_layers') ?? 1 + Math.max(0, ...stored.map(({ name }) => layerOf(name)))
  const tensors = heldTensors(stored, holding)
  const inLayers = stored.filter(({ name }) => partOf(name, layers) === 'layers')
  const [heads = 0, whole = 0] = [ofHeads, ofLatents].map((kept) =>
    inLayers.reduce((sum, one) => sum + (kept.test(one.name) ? outputsOf(one) : 0), 0),
  )
  return {
    layers,
    kvHeads: count(language, 'num_key_value_heads') ?? 1,
    ...expertsOf(stored),
    stateful: stored.some(({ name }) => ofState.test(name)),
    parts: collect(tensors, layers),
    undivided: collect(tensors, layers, cautious),
    ...(heads + whole === 0 ? {} : { cacheElements: { heads, whole } }),
  }
}

/** By the stored experts of a layer, whose number is that of the copies. */
const expertsOf = (stored: readonly StoredTensor[]): Pick<Shape, 'experts'> => {
  const named = stored.filter(({ name, shape }) => name.includes('.experts.*.') && shape.length === 2)
  const most = named.toSorted((a, b) => b.copies - a.copies)[0]
  return most === undefined ? {} : { experts: { count: most.copies, size: Math.max(...most.shape), hidden: Math.max(...most.shape) } }
}
