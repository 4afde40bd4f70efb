/** The tensors of a decoder, by the names that checkpoints of its kind use, counted from its architecture alone. */

import type { Architecture, Delta, Feed, Heads, Latent, Layer, Mamba, Mixer, Tower } from './architecture.ts'

/** A matrix of `rows` (outputs) by `columns` (inputs), `copies` times; a vector has one column. */
export type Tensor = { readonly name: string; readonly rows: number; readonly columns: number; readonly copies: number }

const matrix = (name: string, rows: number, columns: number, copies = 1): Tensor => ({ name, rows, columns, copies })

/** Every tensor that is loaded, the draft layers and the tower included. Norms are counted where they are as wide as the model. */
export const tensorsOf = (architecture: Architecture): readonly Tensor[] => {
  const { hidden, vocabulary, tied, layers, tower, draftLayers, layerEmbedding } = architecture
  const last = layers.at(-1)
  return [
    matrix('model.embed_tokens', vocabulary, hidden),
    ...(tied ? [] : [matrix('lm_head', vocabulary, hidden)]),
    matrix('model.norm', hidden, 1),
    ...layers.flatMap((layer, index) => layerTensors(layer, `model.layers.${index}`, hidden)),
    ...(layerEmbedding === undefined ? [] : layerEmbeddingTensors(layerEmbedding, layers.length, hidden)),
    ...(tower === undefined ? [] : towerTensors(tower, hidden)),
    ...(last === undefined || draftLayers === 0 ? [] : draftTensors(layers, draftLayers, hidden)),
  ]
}

const layerTensors = ({ mixer, feed }: Layer, at: string, hidden: number): readonly Tensor[] => [
  matrix(`${at}.norms`, hidden, 2),
  ...mixerTensors(mixer, at, hidden),
  ...feedTensors(feed, `${at}.mlp`, hidden),
]

const mixerTensors = (mixer: Mixer, at: string, hidden: number): readonly Tensor[] => {
  if (mixer.kind === 'heads') return headTensors(mixer, `${at}.self_attn`, hidden)
  if (mixer.kind === 'latent') return latentTensors(mixer, `${at}.self_attn`, hidden)
  if (mixer.kind === 'delta') return deltaTensors(mixer, `${at}.linear_attn`, hidden)
  return mixer.kind === 'mamba' ? mambaTensors(mixer, `${at}.mixer`, hidden) : []
}

const headTensors = (heads: Heads, at: string, hidden: number): readonly Tensor[] => {
  const width = heads.queries * heads.keySize
  const [keys, values] = [heads.heads * heads.keySize, heads.heads * heads.valueSize]
  return [
    matrix(`${at}.q_proj`, width * (heads.gated ? 2 : 1), hidden),
    // vLLM's fused projection holds both, also where a checkpoint leaves them out (Gemma 4).
    matrix(`${at}.k_proj`, keys, hidden),
    matrix(`${at}.v_proj`, values, hidden),
    matrix(`${at}.o_proj`, hidden, heads.queries * heads.valueSize),
    ...(heads.bias ? [matrix(`${at}.q_proj.bias`, width + keys + values, 1)] : []),
  ]
}

const latentTensors = (
  { queries, queryRank, rank, rope, nope, valueSize, indexer }: Latent,
  at: string,
  hidden: number,
): readonly Tensor[] => [
  ...(queryRank === undefined
    ? [matrix(`${at}.q_proj`, queries * (nope + rope), hidden)]
    : [matrix(`${at}.q_a_proj`, queryRank, hidden), matrix(`${at}.q_b_proj`, queries * (nope + rope), queryRank)]),
  matrix(`${at}.kv_a_proj_with_mqa`, rank + rope, hidden),
  matrix(`${at}.kv_b_proj`, queries * (nope + valueSize), rank),
  matrix(`${at}.o_proj`, hidden, queries * valueSize),
  ...(indexer === undefined
    ? []
    : [
        matrix(`${at}.indexer.wq_b`, indexer.heads * indexer.size, queryRank ?? hidden),
        matrix(`${at}.indexer.wk`, indexer.size, hidden),
        matrix(`${at}.indexer.weights_proj`, indexer.heads, hidden),
      ]),
]

const deltaTensors = ({ keyHeads, valueHeads, keySize, valueSize, convolution }: Delta, at: string, hidden: number): readonly Tensor[] => {
  const [keys, values] = [keyHeads * keySize, valueHeads * valueSize]
  return [
    matrix(`${at}.in_proj_qkv`, 2 * keys + values, hidden),
    matrix(`${at}.in_proj_z`, values, hidden),
    matrix(`${at}.in_proj_a`, valueHeads, hidden),
    matrix(`${at}.in_proj_b`, valueHeads, hidden),
    matrix(`${at}.conv1d`, 2 * keys + values, convolution),
    matrix(`${at}.out_proj`, hidden, values),
  ]
}

const mambaTensors = ({ heads, headSize, groups, stateSize, convolution }: Mamba, at: string, hidden: number): readonly Tensor[] => {
  const [inner, mixed] = [heads * headSize, heads * headSize + 2 * groups * stateSize]
  return [
    matrix(`${at}.in_proj`, inner + mixed + heads, hidden),
    matrix(`${at}.conv1d`, mixed, convolution),
    matrix(`${at}.out_proj`, hidden, inner),
  ]
}

const feedTensors = ({ dense, gated, experts }: Feed, at: string, hidden: number): readonly Tensor[] => [
  ...(dense === undefined ? [] : feedMatrices(at, dense, hidden, gated, 1)),
  ...(experts === undefined ? [] : [matrix(`${at}.gate`, experts.count, hidden)]),
  ...(experts === undefined ? [] : feedMatrices(`${at}.experts`, experts.size, experts.latent ?? hidden, gated, experts.count)),
  ...(experts?.latent === undefined ? [] : [matrix(`${at}.fc_latent`, 2 * experts.latent, hidden)]),
  ...(experts === undefined || experts.shared === 0 ? [] : feedMatrices(`${at}.shared_experts`, experts.shared, hidden, gated, 1)),
]

const feedMatrices = (at: string, size: number, hidden: number, gated: boolean, copies: number): readonly Tensor[] => [
  ...(gated ? [matrix(`${at}.gate_proj`, size, hidden, copies)] : []),
  matrix(`${at}.up_proj`, size, hidden, copies),
  matrix(`${at}.down_proj`, hidden, size, copies),
]

/** Gemma 4 E2B and E4B: a table of their own for every layer, a projection from the hidden size, a gate and a projection in each layer. */
const layerEmbeddingTensors = (
  { size, rows }: { readonly size: number; readonly rows: number },
  layers: number,
  hidden: number,
): readonly Tensor[] => [
  matrix('model.embed_tokens_per_layer', rows, size * layers),
  matrix('model.per_layer_model_projection', size * layers, hidden),
  matrix('model.per_layer_input_gate', size, hidden, layers),
  matrix('model.per_layer_projection', hidden, size, layers),
]

const towerTensors = ({ layers, hidden, intermediate, gated, merged }: Tower, out: number): readonly Tensor[] => [
  matrix('visual.attn', 4 * hidden, hidden, layers),
  matrix('visual.mlp', (gated ? 3 : 2) * intermediate, hidden, layers),
  ...(merged > 1
    ? [matrix('visual.merger', merged * hidden, merged * hidden), matrix('visual.merger', out, merged * hidden)]
    : [matrix('visual.merger', out, hidden)]),
]

/** A draft layer is one more decoder layer and a projection of twice the hidden size (DeepSeek V3, Qwen3-Next). */
const draftTensors = (layers: readonly Layer[], amount: number, hidden: number): readonly Tensor[] => {
  const model = layers.findLast(({ mixer }) => mixer.kind === 'heads' || mixer.kind === 'latent')
  if (model === undefined) return []
  return Array.from({ length: amount }, (_, index) => [
    ...layerTensors(model, `mtp.layers.${index}`, hidden),
    matrix('mtp.fc', hidden, 2 * hidden),
  ]).flat()
}
