/** What one GPU holds of a model's weights. */

import { type Allocation, remainderOf } from './allocations.ts'
import type { Architecture } from './architecture.ts'
import type { Bounds } from './bounds.ts'
import type { Spread } from './overhead-table.ts'
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
  /** Nothing of a tensor's segment is given to another (torch since 2.10). */
  readonly wholeSegments: boolean
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
export const weightsPerGpu = (
  parts: readonly WeightPart[],
  allocations: readonly Allocation[],
  shape: Shape,
  division: Division,
): number => {
  const shareOf = sharesOf(shape, division)
  const bytesOf = (wanted: WeightPart['part']) =>
    parts.filter(({ part }) => part === wanted).reduce((sum, { split, bytes }) => sum + bytes * shareOf(split), 0) +
    allocations
      .filter(({ part }) => part === wanted)
      .reduce((sum, { pieces, count }) => {
        const bytes = pieces.reduce((size, piece) => size + piece.bytes * shareOf(piece.split), 0)
        return sum + count * remainderOf(bytes, division.wholeSegments)
      }, 0)
  const stage = Math.ceil(shape.layers / division.pipeline) / Math.max(1, shape.layers)
  const first = bytesOf('first') + (division.languageOnly ? 0 : bytesOf('tower'))
  const last = bytesOf('last') + (division.drafting ? bytesOf('draft') : 0)
  return bytesOf('layers') * stage + (division.pipeline === 1 ? first + last : Math.max(first, last))
}

/**
 * The same of a decoder whose architecture is not understood: at least an even part, at most what is left when nothing is divided that is not
 * known to be.
 */
export const boundedWeights = (bounds: Bounds, division: Division): Spread => {
  const { tensor, pipeline, data, expertParallel, languageOnly, drafting } = division
  const left = ({ part }: WeightPart) => (part !== 'tower' || !languageOnly) && (part !== 'draft' || drafting)
  const bytes = bounds.parts.filter(left).reduce((sum, part) => sum + part.bytes, 0)
  return {
    low: bytes / (tensor * pipeline * (expertParallel ? data : 1)),
    median: weightsPerGpu(bounds.parts, [], bounds, division),
    high: weightsPerGpu(bounds.undivided, [], bounds, division),
  }
}

const sharesOf = (shape: Shape, division: Division): ((split: WeightPart['split']) => number) => {
  const [expert, tensor] = [expertShare(shape, division), 1 / division.tensor]
  const kv = 1 / Math.min(division.tensor, shape.kvHeads)
  return (split) => (split === 'whole' ? 1 : split === 'kv' ? kv : split === 'expert' ? expert : tensor)
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
