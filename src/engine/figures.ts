/** What vLLM's log says of a start's memory. Bytes of one GPU. */

import { gib } from '../std/bytes.ts'

/** As far as it was said. Of several ranks that which bounds them all: the most weights, the least KV cache. */
export type MemoryFigures = {
  /** `Model loading took`. */
  readonly weightsBytes?: number
  /** How long that took, seconds. */
  readonly loadSeconds?: number
  /** `Available KV cache memory`; below zero where there is none. */
  readonly cacheBytes?: number
  /** `KV cache size`, tokens. */
  readonly cacheTokens?: number
  /** `Maximum concurrency`, requests of the largest context. */
  readonly concurrency?: number
  /** Graphs as captured (`Graph capturing finished`), and as estimated before. */
  readonly graphBytes?: number
  readonly graphEstimateBytes?: number
  /** `for peak activation`, `for non-torch memory`: of the summary after the capture. */
  readonly activationBytes?: number
  readonly otherBytes?: number
  /** The context that was refused since its KV cache does not fit, tokens. */
  readonly refusedContext?: number
}

type Name = keyof MemoryFigures

const amount = String.raw`(-?[\d.]+) ?GiB`
const inBytes = (text: string): number => Math.round(gib(Number(text)))
const plain = (text: string): number => Number(text.replaceAll(',', ''))

/** Fragments of the lines (vllm/v1/worker/gpu_worker.py, gpu_model_runner.py, core/kv_cache_utils.py; 0.10 to 0.32). */
const fragments: readonly (readonly [Name, RegExp, (text: string) => number])[] = [
  ['weightsBytes', new RegExp(`Model loading took ${amount}`), inBytes],
  ['loadSeconds', /Model loading took [\d.]+ ?GiB(?: memory)? and ([\d.]+) seconds/, plain],
  ['cacheBytes', new RegExp(`Available KV cache memory: ${amount}`), inBytes],
  ['cacheTokens', /GPU KV cache size: ([\d,]+) tokens/, plain],
  ['concurrency', /Maximum concurrency for [\d,]+ tokens per request: ([\d.]+)x/, plain],
  ['graphBytes', new RegExp(`Graph capturing finished in [^,]*, took ${amount}`), inBytes],
  ['graphEstimateBytes', new RegExp(`Estimated CUDA graph memory: ${amount}`), inBytes],
  ['activationBytes', new RegExp(`${amount} for peak activation`), inBytes],
  ['otherBytes', new RegExp(`${amount} for non-torch memory`), inBytes],
  ['refusedContext', /max seq len \((\d+)\), \([\d.]+ GiB KV cache is needed, which is larger than/, plain],
]

/** Any of them, for the many lines that hold none. */
const anyFigure = /GiB|tokens/

const ofRanks: Readonly<Partial<Record<Name, (a: number, b: number) => number>>> = {
  weightsBytes: Math.max,
  loadSeconds: Math.max,
  cacheBytes: Math.min,
}

/** Every pattern by which a line holds one. */
export const figurePatterns: readonly RegExp[] = fragments.map(([, pattern]) => pattern)

/** The figures with those of one more line; the same ones where it says none. */
export const addFigures = (figures: MemoryFigures, line: string): MemoryFigures => {
  if (!anyFigure.test(line)) return figures
  const found = fragments.flatMap(([name, pattern, read]) => {
    const text = pattern.exec(line)?.[1]
    const value = text === undefined ? Number.NaN : read(text)
    if (!Number.isFinite(value)) return []
    const before = figures[name]
    return [[name, before === undefined ? value : (ofRanks[name]?.(before, value) ?? value)] as const]
  })
  return found.length === 0 ? figures : { ...figures, ...Object.fromEntries(found) }
}

/** Causes of an end that say that the GPU's memory was too small for what was asked. */
const tooSmall: ReadonlySet<string> = new Set(['kv-cache-too-small', 'gpu-memory', 'gpu-memory-at-load', 'gpu-memory-at-capture'])

/** Whether an engine ended because its GPU's memory is too small for it: not because others hold it. */
export const wasTooSmall = (cause: string): boolean => tooSmall.has(cause)
