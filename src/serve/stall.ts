import type { PhaseStatus } from '../ops/status.ts'
import { formatDuration } from '../std/duration.ts'
import type { Policy } from '../supervisor/policy.ts'
import type { State } from '../supervisor/states.ts'

/** One standstill: when it was found (milliseconds since our start), what it is, and what shows why. */
export type Stall = { readonly atMs: number; readonly sentence: string; readonly fix: string; readonly evidence: readonly string[] }

/** Names a standstill. `witness` is what the watchdog says of a serving engine; without it, it was its server that was not well. */
export const nameStall = (
  from: (State & { kind: 'examining' })['from'],
  phase: PhaseStatus | undefined,
  witness: string | undefined,
  policy: Policy,
): string => {
  if (from !== 'ready') return `the start stood still for ${formatDuration(policy.startupStallMs)} ${wherein(phase)}`
  return `${witness ?? "the engine's server has not been well"}, for ${formatDuration(policy.stallMs)}`
}

/** What to do about a standstill that ended the engine. */
export const fixOf = (from: (State & { kind: 'examining' })['from']): string =>
  from === 'ready'
    ? 'read the evidence; AIM_STALL_ACTION=report leaves the engine as it is for a debugger, and AIM_STALL_TIMEOUT must be longer than its longest step'
    : 'read the evidence; if the load is only slow and silent, raise AIM_STARTUP_STALL_TIMEOUT'

const wherein = (phase: PhaseStatus | undefined): string => {
  if (phase === undefined) return 'before its first phase'
  const { name, done, total, unit, detail } = phase
  const steps = done === undefined || total === undefined || unit !== 'steps' ? '' : ` at ${done} of ${total}`
  return `in phase ${name}${steps}${detail === undefined ? '' : ` (${detail})`}`
}
