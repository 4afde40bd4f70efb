import type { RestartPolicy } from './policy.ts'

/** Doubles from `baseMs` to `capMs`, then takes between half and all of it by `chance` in [0, 1); `failures` counts this one. */
export const backoffMs = (failures: number, chance: number, { baseMs, capMs }: RestartPolicy): number =>
  Math.min(capMs, baseMs * 2 ** (failures - 1)) * (0.5 + chance / 2)

/** The failures that still count at `at`, this one included: those of the last `periodMs` (OTP's intensity and period). */
export const withinBudget = (failures: readonly number[], at: number, { periodMs }: RestartPolicy): readonly number[] =>
  [...failures, at].filter((time) => at - time < periodMs)
