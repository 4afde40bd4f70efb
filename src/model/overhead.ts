/** What an engine takes of a GPU besides weights and KV cache: activations, captured graphs, the runtime. */

import { gib } from '../std/bytes.ts'
import { samplerCounts } from './engine-version.ts'
import type { ModelShape } from './facts.ts'
import { type OverheadRow, overheadTable, type Spread } from './overhead-table.ts'
import { add, scale } from './spread.ts'

/** What it depends on. */
export type OverheadSetup = {
  /** Instruction set; anything else than an AMD one counts as another vendor's. */
  readonly gfx: string
  readonly minor: number
  readonly ranks: number
  readonly tensor: number
  readonly batchedTokens: number
  readonly sequences: number
  /** Graphs are captured. */
  readonly graphs: boolean
  readonly languageOnly: boolean
}

/** Bytes, each as a median with its bounds. */
export type Overhead = { readonly activations: Spread; readonly graphs: Spread; readonly runtime: Spread }

/** The overhead of one GPU. A model whose shape is not known is taken for one as wide as its weights allow to guess: not at all. */
export const overheadOf = (shape: ModelShape | undefined, setup: OverheadSetup): Overhead => {
  const row = rowFor(setup)
  return {
    activations: activationsOf(shape, setup, row),
    graphs: setup.graphs ? scale(row.graph, graphCount(setup.sequences) * 2 ** 20) : scale(row.graph, 0),
    runtime: add(scale(row.runtime, gib(1)), setup.ranks > 1 ? gib(row.perPeer) : 0),
  }
}

const rowFor = ({ gfx, minor }: OverheadSetup): OverheadRow => {
  const row = overheadTable.find((candidate) => candidate.gfx.test(gfx) && minor >= candidate.since)
  if (row === undefined) throw new Error('the overhead table has no last row')
  return row
}

const largest = (a: Spread, b: Spread): Spread => ({
  low: Math.max(a.low, b.low),
  median: Math.max(a.median, b.median),
  high: Math.max(a.high, b.high),
})

/** Without a shape the activations of a large dense model are assumed. */
const unknownShape = { hidden: 8192, activeIntermediate: 28672, vocabulary: 128256, mixers: [] as readonly string[], hasTower: false }

/**
 * The profile run's peak: the widest layer's activations for all batched tokens (tokens x (3 x intermediate / TP + 8 x hidden) x 2 bytes),
 * and in old versions the sampler's pass (9.7 x sequences x vocabulary x 4 bytes). Planner facts 3.
 */
const activationsOf = (shape: ModelShape | undefined, setup: OverheadSetup, row: OverheadRow): Spread => {
  const { hidden, activeIntermediate, vocabulary, mixers, hasTower } = shape ?? unknownShape
  const body = setup.batchedTokens * ((3 * activeIntermediate) / setup.tensor + 8 * hidden) * 2
  const sampler = samplerCounts(setup.minor) ? 9.7 * setup.sequences * vocabulary * 4 : 0
  // Not every start of those versions shows it: an A100 of 80 GB left what the body alone leaves.
  const plain = { ...scale(row.activations, Math.max(body, sampler)), low: row.activations.low * body }
  const special = mixers.some((mixer) => mixer === 'delta' || mixer === 'mamba') || (hasTower && !setup.languageOnly)
  return special ? largest(plain, scale(row.specialActivations, gib(1))) : plain
}

/** Batch sizes that are captured: 1, 2, 4, 8 by 8 to 256, then by 16 to 512, at most twice the sequences; each as a whole and in pieces. */
const graphCount = (sequences: number): number => {
  const most = Math.min(2 * sequences, 512)
  const sizes = [
    1,
    2,
    4,
    ...Array.from({ length: 32 }, (_, at) => 8 * (at + 1)),
    ...Array.from({ length: 16 }, (_, at) => 256 + 16 * (at + 1)),
  ]
  return 2 * sizes.filter((size) => size <= most).length
}
