/** One thing that is wrong or odd with where we run, as data. */
import { type ExitCode, exitCodes } from '../std/exit-codes.ts'

/** What to change, by who runs the container; where the same holds for all, the three are the same sentence. */
export type Fix = { readonly docker: string; readonly compose: string; readonly kubernetes: string }

/** One finding. `exitCode` is that of an error; a warning's is 0, because serving can still work. */
export type Finding = {
  readonly severity: 'error' | 'warning'
  readonly exitCode: ExitCode
  readonly what: string
  readonly why: string
  readonly fix: Fix
}

/** A finding that stops serving. */
export const fatal = (exitCode: ExitCode, what: string, why: string, fix: Fix | string): Finding => ({
  severity: 'error',
  exitCode,
  what,
  why,
  fix: fixOf(fix),
})

/** A finding that serving can live with. */
export const odd = (what: string, why: string, fix: Fix | string): Finding => ({
  severity: 'warning',
  exitCode: exitCodes.ok,
  what,
  why,
  fix: fixOf(fix),
})

const fixOf = (fix: Fix | string): Fix => (typeof fix === 'string' ? { docker: fix, compose: fix, kubernetes: fix } : fix)

/** What to mend first: nothing else can be judged with a bad configuration, and no device is found without a permission. */
const worst: readonly ExitCode[] = [exitCodes.config, exitCodes.permission, exitCodes.unavailable, exitCodes.storage, exitCodes.temporary]

/** The exit code of the worst finding: 78, 77, 69, 74, 75 in this order; 0 when there are only warnings. */
export const worstOf = (findings: readonly Finding[]): ExitCode =>
  worst.find((code) => findings.some(({ exitCode }) => exitCode === code)) ?? exitCodes.ok
