import { gib } from '../std/bytes.ts'
import type { ModelFacts } from './facts.ts'

/**
 * What a model would be given, in plain numbers. `vramBytes` is one GPU's, `utilization` the part of it that the engine may claim,
 * `gpuCount` the GPUs that share the weights, `kvBytesPerToken` the cost of a token over all layers at TP 1 in the KV cache's own
 * type, `contextLength` the tokens that one request must be able to hold.
 */
export type Budget = {
  readonly weightsBytes: number
  readonly vramBytes: number
  readonly gpuCount: number
  readonly utilization: number
  readonly kvBytesPerToken?: number
  /** How many ways the KV cache divides; 1 for MLA. As many as GPUs when absent. */
  readonly kvHeads?: number
  readonly contextLength?: number
}

/** Whether it fits; all bytes are per GPU. `largestContext` (tokens) is absent where a token's cost is unknown. */
export type Fit = {
  readonly fits: boolean
  readonly weightsBytesPerGpu: number
  /** Kept for activations, graphs and what the runtime takes outside the weights and the KV cache. */
  readonly marginBytes: number
  /** Left for the KV cache; negative when not even the weights fit. */
  readonly kvBytes: number
  readonly largestContext?: number
}

/**
 * What an engine takes besides weights and KV cache: 2 GiB and 4 % of the card. It runs through what was logged: R9700 (32 GiB) 3.1-3.3 GiB
 * under vLLM 0.26, MI300X (192 GiB) 7.7-11.7 GiB under 0.31. Activations grow with the batch that big cards are given.
 */
export const marginBytes = (vramBytes: number): number => gib(2) + 0.04 * vramBytes

/**
 * A coarse answer: weights divide evenly, nothing is replicated, every token costs the same. The margin covers the difference for
 * dense models and mixtures of experts; the exact fit replaces this function, not its callers.
 */
export const roughFit = (budget: Budget): Fit => {
  const margin = marginBytes(budget.vramBytes)
  const weightsBytesPerGpu = budget.weightsBytes / budget.gpuCount
  const kvBytes = budget.vramBytes * budget.utilization - margin - weightsBytesPerGpu
  const perToken = kvBytesPerTokenPerGpu(budget)
  const needed = (perToken ?? 0) * (budget.contextLength ?? 1)
  return {
    fits: kvBytes > 0 && kvBytes >= needed,
    weightsBytesPerGpu,
    marginBytes: margin,
    kvBytes,
    ...(perToken === undefined ? {} : { largestContext: Math.max(0, Math.floor(kvBytes / perToken)) }),
  }
}

/** Beyond as many GPUs as heads, heads are repeated (vLLM: `max(1, kv_heads // tp)`). */
const kvBytesPerTokenPerGpu = ({ kvBytesPerToken, kvHeads, gpuCount }: Budget): number | undefined =>
  kvBytesPerToken === undefined ? undefined : kvBytesPerToken / Math.min(gpuCount, kvHeads ?? gpuCount)

/** What vLLM's processes hold on a CPU besides weights and KV cache: 3.9 GB were measured with a 2 MB model (0.32, three processes). */
export const hostMarginBytes = gib(4)

/** Whether weights and KV cache fit into the memory that a container may use, on the CPU. */
export const roughHostFit = (budget: {
  readonly weightsBytes: number
  readonly kvCacheBytes: number
  readonly memoryBytes: number
}): boolean => budget.weightsBytes + budget.kvCacheBytes + hostMarginBytes <= budget.memoryBytes

/**
 * Whether tensor parallelism over `ways` GPUs can divide the heads: attention heads evenly, KV heads evenly or repeated evenly
 * (vLLM `verify_with_parallel_config`, `QKVParallelLinear`). Unknown heads divide.
 */
export const headsDivide = ({ attentionHeads, kvHeads }: ModelFacts, ways: number): boolean => {
  if (attentionHeads !== undefined && attentionHeads % ways !== 0) return false
  return kvHeads === undefined || kvHeads % ways === 0 || ways % kvHeads === 0
}
