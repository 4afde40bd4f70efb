/** What one GPU holds of a model's weights. */

import type { Architecture } from './architecture.ts'
import type { WeightPart } from './weights-split.ts'

/** How the work is divided, and what is loaded besides the language model. */
export type Division = {
  readonly tensor: number
  readonly pipeline: number
  readonly data: number
  /** Whole experts over all tensor and data ranks instead of a part of each (`--enable-expert-parallel`). */
  readonly expertParallel: boolean
  /** The tower is left out (`--language-model-only`). */
  readonly languageOnly: boolean
  /** The draft layers are loaded. */
  readonly drafting: boolean
  /** Rows and columns that a kernel pads an expert's 4-bit matrices to; 1 without. */
  readonly expertPadding: readonly [intermediate: number, hidden: number]
}

/** Sizes that the division depends on, from the architecture. */
export type Shape = {
  readonly layers: number
  readonly kvHeads: number
  readonly experts?: { readonly count: number; readonly size: number; readonly hidden: number }
}

/** The shape of a decoder. */
export const shapeOf = ({ layers, hidden }: Architecture): Shape => {
  const heads = layers.flatMap(({ mixer }) => (mixer.kind === 'heads' ? [mixer.heads] : []))
  const experts = layers.map(({ feed }) => feed.experts).find((found) => found !== undefined)
  return {
    layers: layers.length,
    kvHeads: heads.length === 0 ? 1 : Math.max(...heads),
    ...(experts === undefined ? {} : { experts: { count: experts.count, size: experts.size, hidden: experts.latent ?? hidden } }),
  }
}

/**
 * Bytes of the weights on the fullest GPU: layers by pipeline stages, each part by its split. The tower counts with the first stage; vLLM
 * divides it over tensor ranks unless `--mm-encoder-tp-mode data`.
 */
export const weightsPerGpu = (parts: readonly WeightPart[], shape: Shape, division: Division): number => {
  const bytesOf = (wanted: WeightPart['part']) =>
    parts.filter(({ part }) => part === wanted).reduce((sum, part) => sum + part.bytes * shareOf(part, shape, division), 0)
  const stage = Math.ceil(shape.layers / division.pipeline) / Math.max(1, shape.layers)
  const first = bytesOf('first') + (division.languageOnly ? 0 : bytesOf('tower'))
  const last = bytesOf('last') + (division.drafting ? bytesOf('draft') : 0)
  return bytesOf('layers') * stage + (division.pipeline === 1 ? first + last : Math.max(first, last))
}

const shareOf = ({ split }: WeightPart, shape: Shape, division: Division): number => {
  const { tensor } = division
  if (split === 'whole') return 1
  if (split === 'kv') return 1 / Math.min(tensor, shape.kvHeads)
  return split === 'expert' ? expertShare(shape, division) : 1 / tensor
}

const expertShare = ({ experts }: Shape, { tensor, data, expertParallel, expertPadding }: Division): number => {
  if (experts === undefined) return 1 / tensor
  const { count, size, hidden } = experts
  const [rows, columns] = expertPadding
  const width = expertParallel ? size : size / tensor
  const padded = ((Math.ceil(width / rows) * rows) / width) * ((Math.ceil(hidden / columns) * columns) / hidden)
  const ranks = tensor * data
  return (expertParallel ? Math.ceil(count / ranks) / count : 1 / tensor) * padded
}
