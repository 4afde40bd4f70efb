import { gib } from '../std/bytes.ts'

/** What vLLM's processes hold on a CPU besides weights and KV cache: 3.9 GB were measured with a 2 MB model (0.32, three processes). */
export const hostMarginBytes = gib(4)

/** Whether weights and KV cache fit into the memory that a container may use, on the CPU. */
export const roughHostFit = (budget: {
  readonly weightsBytes: number
  readonly kvCacheBytes: number
  readonly memoryBytes: number
}): boolean => budget.weightsBytes + budget.kvCacheBytes + hostMarginBytes <= budget.memoryBytes
