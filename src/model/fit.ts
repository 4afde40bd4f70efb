/** Whether a model fits: vLLM's own accounting of a GPU's memory, from plain numbers to an answer with its margin. */

import { gib } from '../std/bytes.ts'
import { answer, budgetOf } from './answer.ts'
import type { Measured } from './boots.ts'
import { corrected, isFar } from './corrected.ts'
import { defaultBatch, defaultUtilization, graphsInBudget, imageMinor, minorOf, wholeSegments } from './engine-version.ts'
import type { ModelFacts } from './facts.ts'
import { type Overhead, overheadOf } from './overhead.ts'
import type { Spread } from './overhead-table.ts'
import { add, exactly, scale } from './spread.ts'
import { boundedWeights, type Division, weightsPerGpu } from './weights-share.ts'

/** What a model would be given. Sizes are bytes of one GPU; what is absent is the engine's default. */
export type Setup = {
  readonly vramBytes: number
  /** The GPU's memory is the host's, whose page cache then counts as used. */
  readonly unified?: boolean
  /** Instruction set (`gfx942`); anything that does not begin with `gfx` is another vendor's. Absent: an Instinct. */
  readonly gfx?: string
  /** Name of the card, by which defaults differ. */
  readonly product?: string
  /** As vLLM writes it: `0.32.0`, `v0.31.1rc1.dev23`. */
  readonly engineVersion?: string
  readonly tensor: number
  readonly pipeline?: number
  readonly data?: number
  readonly decodeContext?: number
  readonly expertParallel?: boolean
  readonly utilization?: number
  /** Tokens that one request must be able to hold; the model's own length when absent. */
  readonly contextLength?: number
  readonly batchedTokens?: number
  readonly sequences?: number
  /** `--kv-cache-dtype`. */
  readonly cacheType?: string
  readonly blockSize?: number
  /** Tokens that a hybrid's blocks are a multiple of: 16, or 64 with ROCM_AITER_UNIFIED_ATTN. */
  readonly blockAlignment?: number
  /** `--kv-cache-memory-bytes`: replaces the budget. */
  readonly cacheBytes?: number
  readonly eager?: boolean
  readonly languageOnly?: boolean
  readonly speculativeTokens?: number
  /** Whether the guesses come from the model's own draft layers. */
  readonly drafting?: boolean
  readonly prefixCaching?: boolean
  /** How much larger the weights are in memory than in the files (a change of dtype). */
  readonly growth?: number
  /** What earlier starts of the same setup were seen to take. */
  readonly measured?: Measured
}

/** `fits`: also with the p90 of the overhead; `likely`: with less than that; `no`: not even with the least ever seen. */
export type Verdict = 'fits' | 'likely' | 'no'

/** The answer; all bytes are of one GPU. Spreads name the best, the middle and the worst case. */
export type Fit = {
  readonly verdict: Verdict
  /** False only when it cannot be: `verdict` is not `no`. */
  readonly fits: boolean
  /** What the engine may claim. */
  readonly budgetBytes: number
  readonly weightsBytesPerGpu: number
  /** Activations, graphs and runtime inside the budget. */
  readonly overhead: Overhead
  /** Kept for the engine, the median: `budgetBytes` less weights and KV cache. */
  readonly marginBytes: number
  /** Taken beside the budget (graphs before they were counted). */
  readonly outsideBytes: number
  /** Left for the KV cache, the median; negative when not even the weights fit. */
  readonly kvBytes: number
  /** The same in the worst and in the best case. */
  readonly kvBytesLeast: number
  readonly kvBytesMost: number
  /** KV cache that one request of `contextLength` takes; absent where a token's cost is not known. */
  readonly requestBytes?: number
  readonly contextLength?: number
  /** The size that the engine would log for its KV cache, tokens. */
  readonly cacheTokens?: number
  /** Requests of `contextLength` at once. */
  readonly concurrency?: number
  /** The longest request that the median leaves room for, tokens; at most the model's own length. */
  readonly largestContext?: number
  /** The same in the worst case. */
  readonly safeContext?: number
  /** What was not known and is bounded or left out, as sentences. */
  readonly unknown: readonly string[]
  /** What earlier starts corrected, as a sentence. */
  readonly learned?: string
}

/** What ROCm's libraries keep in torch's pool from the first matrix on: Llama 3.1 8B loads 0.07 GiB more on an R9700 than on CUDA. */
const rocmLoadBytes = gib(0.07)

/** Where weights are not counted from tensors, their sum may be off by so much. */
const weightsTolerance: Readonly<Record<string, number>> = { headers: 0.005, files: 0.02, architecture: 0.04 }

/**
 * Of the weights' files, what the page cache may hold of unified memory when the engine measures what is free: two GB10 lacked 16 GiB for
 * 55 GiB of weights each (MiniMax M2.7 in 4 bits, 0.29, a failed start).
 */
const pageCacheShare = 0.35

/** Asks for a fit; undefined when nothing is known of the weights. */
export const fit = (facts: ModelFacts, setup: Setup): Fit | undefined => {
  const counted = weightsOf(facts, setup)
  if (counted === undefined) return undefined
  const plain = judge(facts, resolve(setup), counted)
  const { measured } = setup
  return measured === undefined || isFar(measured, counted.median) ? plain : corrected(facts, resolve(setup), plain, measured)
}

/** A setup with the engine's defaults in it. */
export type Resolved = Setup & {
  readonly gfx: string
  readonly minor: number
  readonly batchedTokens: number
  readonly sequences: number
  readonly utilization: number
}

const resolve = (setup: Setup): Resolved => {
  const minor = minorOf(setup.engineVersion) ?? imageMinor
  const batch = defaultBatch(minor, setup.vramBytes, setup.product)
  return {
    ...setup,
    minor,
    gfx: setup.gfx ?? 'gfx942',
    batchedTokens: setup.batchedTokens ?? batch.tokens,
    sequences: setup.sequences ?? batch.sequences,
    utilization: setup.utilization ?? defaultUtilization(minor),
  }
}

const isRocm = (gfx: string | undefined): boolean => gfx === undefined || gfx.startsWith('gfx')

const weightsOf = (facts: ModelFacts, setup: Setup): Spread | undefined => {
  const extra = isRocm(setup.gfx) ? rocmLoadBytes : 0
  const held = heldOf(facts, setup)
  return held === undefined ? undefined : add(scale(held, setup.growth ?? 1), extra)
}

const heldOf = (facts: ModelFacts, setup: Setup): Spread | undefined => {
  const { shape, bounds, weightsBytes } = facts
  const division = divisionOf(setup, shape?.paddedExperts === true)
  if (shape !== undefined) return exactly(weightsPerGpu(shape.parts, shape.allocations, shape, division))
  if (bounds !== undefined) return boundedWeights(bounds, division)
  return weightsBytes === undefined ? undefined : exactly(weightsBytes / (division.tensor * division.pipeline))
}

const divisionOf = (setup: Setup, padded: boolean): Division => ({
  tensor: setup.tensor,
  pipeline: setup.pipeline ?? 1,
  data: setup.data ?? 1,
  expertParallel: setup.expertParallel === true,
  languageOnly: setup.languageOnly === true,
  drafting: setup.drafting === true,
  wholeSegments: wholeSegments(minorOf(setup.engineVersion) ?? imageMinor, isRocm(setup.gfx)),
  expertPadding: padded ? (isRocm(setup.gfx) ? ([256, 256] as const) : ([128, 256] as const)) : ([1, 1] as const),
})

const judge = (facts: ModelFacts, setup: Resolved, weights: Spread): Fit => {
  const overhead = overheadOf(facts.shape, {
    ...{ gfx: setup.gfx, minor: setup.minor, tensor: setup.tensor, ranks: setup.tensor * (setup.pipeline ?? 1) },
    ...{ batchedTokens: setup.batchedTokens, sequences: setup.sequences },
    graphs: setup.eager !== true,
    languageOnly: setup.languageOnly === true,
  })
  const inside = graphsInBudget(setup.minor, isRocm(setup.gfx))
  const taken = (which: keyof Spread) => overhead.activations[which] + overhead.runtime[which] + (inside ? overhead.graphs[which] : 0)
  const budgetBytes = budgetOf(setup, setup.utilization)
  const source = facts.shape?.source ?? (facts.bounds === undefined ? 'files' : 'headers')
  const tolerance = (weightsTolerance[source] ?? 0) * weights.median
  const pages = setup.unified === true ? pageCacheShare * weights.median : 0
  const left = (which: keyof Spread, slack: number) => setup.cacheBytes ?? budgetBytes - weights[which] - taken(which) - slack
  return answer(facts, setup, {
    ...{ weights, overhead, budgetBytes, outsideBytes: inside ? 0 : overhead.graphs.median },
    kv: { low: left('high', tolerance + pages), median: left('median', 0), high: left('low', -tolerance) },
  })
}
