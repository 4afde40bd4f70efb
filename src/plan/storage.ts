/** How long an engine reads its weights, against the time that it is given. */

import type { Boot } from '../model/boots.ts'
import { formatBytes, mib } from '../std/bytes.ts'
import { formatDuration } from '../std/duration.ts'

/** Bytes of a second that a volume is taken for where no start was measured: a network of 1 Gbit/s. */
const assumedRate = mib(119)

/** Seconds that vLLM's front ends wait for their engine (envs.py, VLLM_ENGINE_READY_TIMEOUT_S). */
const standardBudget = 600

/** What the time follows from; `budgetSeconds` where VLLM_ENGINE_READY_TIMEOUT_S says another. */
export type Loading = { readonly weightsBytes: number; readonly boots: readonly Boot[]; readonly budgetSeconds?: number }

/** Bytes of a second over all GPUs in the newest start that said how long it loaded. */
export const measuredRate = (boots: readonly Boot[]): { readonly rate: number; readonly at: string } | undefined => {
  const newest = boots.filter(({ loadSeconds = 0 }) => loadSeconds > 0).toSorted((a, b) => (a.at < b.at ? 1 : -1))
  const [boot] = newest
  if (boot?.loadSeconds === undefined || boot.weightsBytes === undefined) return undefined
  const { tensor, pipeline = 1 } = boot.setup
  return { rate: (boot.weightsBytes * tensor * pipeline) / boot.loadSeconds, at: boot.at }
}

/** A sentence where the weights are not read within the budget; nothing where they are. */
export const storageReasons = ({ weightsBytes, boots, budgetSeconds = standardBudget }: Loading): readonly string[] => {
  const measured = measuredRate(boots)
  const rate = measured?.rate ?? assumedRate
  const seconds = weightsBytes / rate
  if (seconds <= budgetSeconds) return []
  const source =
    measured === undefined ? 'assumed: 1 Gbit/s, no start was measured' : `as in the start of ${measured.at.slice(0, 16).replace('T', ' ')}`
  const least = formatBytes(weightsBytes / budgetSeconds)
  return [
    `reading ${formatBytes(weightsBytes)} of weights takes ${formatDuration(seconds * 1000)} at ${formatBytes(rate)}/s (${source}), longer than the ${formatDuration(budgetSeconds * 1000)} that vLLM's front ends wait for their engine: storage of ${least}/s or more, or a larger VLLM_ENGINE_READY_TIMEOUT_S`,
  ]
}
