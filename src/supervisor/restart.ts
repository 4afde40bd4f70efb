import type { RestartPolicy } from './policy.ts'

/**
 * Nothing before the first restart in a row, for a single crash costs least when it is over soonest; then from `baseMs` doubling to `capMs`,
 * of which between half and all is taken by `chance` in [0, 1). `failures` counts this one.
 */
export const backoffMs = (failures: number, chance: number, { baseMs, capMs }: RestartPolicy): number =>
  failures < 2 ? 0 : Math.min(capMs, baseMs * 2 ** (failures - 2)) * (0.5 + chance / 2)

/** The failures that still count at `at`, this one included: those of the last `periodMs` (OTP's intensity and period). */
export const withinBudget = (failures: readonly number[], at: number, { periodMs }: RestartPolicy): readonly number[] =>
  [...failures, at].filter((time) => at - time < periodMs)
