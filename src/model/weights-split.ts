/** What of the weights each GPU holds: a table of bytes by how the engine divides them. */

import type { Architecture } from './architecture.ts'
import type { FormatOf } from './formats.ts'
import type { Tensor } from './tensors.ts'

/**
 * How tensor parallelism divides a tensor (vLLM's linear layers): by rows or columns, at most as many ways as KV heads, by experts, by rows
 * of the vocabulary, or not at all.
 */
export type Split = 'tensor' | 'kv' | 'expert' | 'vocabulary' | 'whole'

/** Which stages or settings load it: the layers, the first or last pipeline stage, the tower, the draft layers. */
export type Part = 'layers' | 'first' | 'last' | 'tower' | 'draft'

/** Bytes of all tensors of a part that are divided the same way. */
export type WeightPart = { readonly part: Part; readonly split: Split; readonly bytes: number }

const parts: readonly (readonly [RegExp, Part])[] = [
  [/(?:^|\.)(?:visual|vision_\w+|audio_\w+|multi_modal_projector|mm_projector|embed_vision|embed_audio|patch_merger)\b/, 'tower'],
  [/(?:^|\.)mtp\./, 'draft'],
  // DeepSeek's and Mistral's own names stand at the root; elsewhere `embed`, `head` and `output` are parts of layers.
  [/(?:^|\.)(?:embed_tokens\w*|wte|word_embeddings|tok_embeddings)\b|^embed\./, 'first'],
  [/(?:^|\.)(?:lm_head|embed_out)\b|^(?:output|head)\./, 'last'],
]

const splits: readonly (readonly [RegExp, Split])[] = [
  [/\.experts\b/, 'expert'],
  [/(?:embed_tokens\w*|wte|word_embeddings|tok_embeddings|lm_head|embed_out)\b|^(?:embed|head|output)\./, 'vocabulary'],
  // Routers, gates, norms, the down-projections of MLA and the sparse attention's indexer are repeated.
  [
    /(?:norm\w*|\.gate|\.router|shared_expert_gate|q_a_proj|kv_a_proj\w*|\.indexer\b.*|layernorm|e_score_correction_bias)(?:\.(?:weight|bias|qweight|qzeros|scales?|g_idx)\w*)?$/,
    'whole',
  ],
  [/(?:per_layer_\w+|fc_latent\w*|mtp\.fc|merger|q_a_layernorm)/, 'whole'],
  [/\b[kv]_proj\b/, 'kv'],
]

/** The part of a model that a tensor belongs to, by its name; layers beyond `layers` are draft layers (DeepSeek V3 numbers them on). */
export const partOf = (name: string, layers: number): Part => {
  const index = Number(/(?:^|\.)layers\.(\d+)\./.exec(name)?.[1] ?? -1)
  if (index >= layers && layers > 0 && !/visual|vision|audio/.test(name)) return 'draft'
  return parts.find(([pattern]) => pattern.test(name))?.[1] ?? 'layers'
}

/** How a tensor is divided, by its name. */
export const splitOf = (name: string): Split => splits.find(([pattern]) => pattern.test(name))?.[1] ?? 'tensor'

/** A tower's heads are its own: the decoder's KV heads say nothing of them. */
const heldAs = (part: Part, split: Split): Split => (part === 'tower' && split === 'kv' ? 'tensor' : split)

/** Adds bytes by part and split. */
export const collect = (
  tensors: Iterable<{ readonly name: string; readonly bytes: number }>,
  layers: number,
  splitBy: (name: string) => Split = splitOf,
): readonly WeightPart[] => {
  const sums = new Map<string, { part: Part; split: Split; bytes: number }>()
  for (const { name, bytes } of tensors) {
    const part = partOf(name, layers)
    const split = heldAs(part, splitBy(name))
    const sum = sums.get(`${part}/${split}`)
    if (sum === undefined) sums.set(`${part}/${split}`, { part, split, bytes })
    else sum.bytes += bytes
  }
  return [...sums.values()]
}

/** Rows of the vocabulary are padded to a multiple of this (vLLM `VocabParallelEmbedding`). */
export const vocabularyPadding = 64

/** The parts of a decoder whose tensors were counted from its architecture. */
export const countedParts = (tensors: readonly Tensor[], layers: number, formatOf: FormatOf): readonly WeightPart[] =>
  collect(
    tensors.map(({ name, rows, columns, copies }) => {
      const { element, row } = formatOf(name)
      const padded = splitOf(name) === 'vocabulary' ? Math.ceil(rows / vocabularyPadding) * vocabularyPadding : rows
      return { name, bytes: copies * padded * (columns * element + row) }
    }),
    layers,
  )

/**
 * What is kept beside the checkpoint's own tensors: the tables of positions, for MLA the up-projection of the latent once more in 16 bits
 * (absorbed decode, vLLM mla/common.py), and a second copy of a tied table that is quantized (one to look up, one to multiply).
 */
export const extraParts = ({ rotary, layers, tied, vocabulary, hidden }: Architecture, formatOf: FormatOf): readonly WeightPart[] => {
  const latents = layers.flatMap(({ mixer }) => (mixer.kind === 'latent' ? [mixer] : []))
  const absorbed = latents.reduce((sum, { rank, queries, nope, valueSize }) => sum + rank * queries * (nope + valueSize) * 2, 0)
  const table = formatOf('model.embed_tokens')
  return [
    { part: 'layers', split: 'whole', bytes: rotary.reduce((sum, { positions, size }) => sum + positions * size * 2, 0) },
    ...(absorbed > 0 ? [{ part: 'layers', split: 'tensor', bytes: absorbed } as const] : []),
    ...(tied && table.element < 2 ? [{ part: 'last', split: 'vocabulary', bytes: vocabulary * hidden * table.element } as const] : []),
  ]
}
