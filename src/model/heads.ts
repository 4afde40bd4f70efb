import type { ModelFacts } from './facts.ts'

/**
 * Whether tensor parallelism over `ways` GPUs can divide the heads: attention heads evenly, KV heads evenly or repeated evenly
 * (vLLM `verify_with_parallel_config`, `QKVParallelLinear`). Unknown heads divide.
 */
export const headsDivide = ({ attentionHeads, kvHeads }: ModelFacts, ways: number): boolean => {
  if (attentionHeads !== undefined && attentionHeads % ways !== 0) return false
  return kvHeads === undefined || kvHeads % ways === 0 || ways % kvHeads === 0
}
