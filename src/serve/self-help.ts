import type { ExitMeaning } from '../engine/adapter.ts'
import type { Policy } from '../supervisor/policy.ts'

/** Two starts do not find quite the same memory free, so the engine's own estimate is rounded down to a multiple of this; tokens. */
const step = 256

/** What is known when an engine has ended. */
export type Ending = {
  readonly meaning: ExitMeaning
  readonly policy: Policy
  /** Failures that count against the restart budget before this one. */
  readonly failures: number
  /** Below this no context is cut to, in tokens; 0 for never cutting one. */
  readonly floor: number
  /** It was cut before: one that fails again fails for good. */
  readonly cut: boolean
}

/** The context in tokens with which to try once more; undefined when the end stands. */
export const contextToTry = ({ meaning, policy, failures, floor, cut }: Ending): number | undefined => {
  if (meaning.fittingContext === undefined || cut || floor === 0) return undefined
  if (policy.restart.when === 'never' || failures >= policy.restart.intensity) return undefined
  const tokens = Math.floor(meaning.fittingContext / step) * step
  return tokens < floor ? undefined : tokens
}
