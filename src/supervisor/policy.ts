/** When an engine that ended is started again. The budget (intensity in a period, OTP's words) holds for all of them. */
export type RestartPolicy = {
  /** `always`: after any end nobody asked for. `on-failure`: not after an exit with code 0. `never`: the first end is the last. */
  readonly when: 'always' | 'on-failure' | 'never'
  /** Restarts allowed within `periodMs`; one more ends the supervisor. */
  readonly intensity: number
  readonly periodMs: number
  /** The wait before the second restart in a row, the first comes at once; doubles up to `capMs`. */
  readonly baseMs: number
  readonly capMs: number
  /** Ready for so long without a break, an engine's earlier failures are forgotten. */
  readonly healthyMs: number
}

/** How long the end of an engine may take; milliseconds. */
export type Stages = {
  /** From SIGTERM to SIGKILL. */
  readonly stopMs: number
  /** From SIGKILL to giving up on the process. */
  readonly killMs: number
  /** Until no descendant is left and GPU memory is back. */
  readonly reclaimMs: number
}

/** How long each stage of an engine's life may take; milliseconds. The grace period of every manifest is `gracePeriodMs` of this. */
export type Policy = Stages & {
  /** How long a start may stand still; a start that moves has no limit. */
  readonly startupStallMs: number
  /** How long work may be in flight without a step of the engine, and how long a serving engine may stay unready. */
  readonly stallMs: number
  readonly onStall: 'restart' | 'report'
  /** Idle time after which the engine is asked for one token, to see that it still can; 0 for never. */
  readonly canaryMs: number
  /** For collecting evidence of a stall before anything is ended. */
  readonly examineMs: number
  /** Readiness is off, requests still come: the time endpoints need to notice. */
  readonly drainDelayMs: number
  /** Running requests may finish. */
  readonly drainMs: number
  readonly restart: RestartPolicy
  /** How long a start waits for GPU memory that somebody else holds, then it is tried all the same; 0 does not wait. */
  readonly roomMs: number
  /** GPU memory that is not back after an engine's end: try again later within the restart budget, or exit, so that the node is looked at. */
  readonly onHeld: 'retry' | 'exit'
  /** The stages of an end that was asked for, where whoever asked does not wait for the full ones. */
  readonly requested?: Stages
}

/** The stages of an end: those of one that was asked for may be shorter. */
export const stagesFor = (policy: Policy, requested: boolean): Stages => (requested ? (policy.requested ?? policy) : policy)

/** Kept for ourselves at the end of a grace period: the last lines, the exit; milliseconds. */
const spareMs = 1000

/** What a container needs between SIGTERM and SIGKILL so that every stage can take its time, with a second to spare for ourselves. */
export const gracePeriodMs = (policy: Policy): number => {
  const { stopMs, killMs, reclaimMs } = stagesFor(policy, true)
  return policy.drainDelayMs + policy.drainMs + stopMs + killMs + reclaimMs + spareMs
}

/** Parts of a grace period too short for all; what these and the spare leave is for running requests. A SIGKILL takes effect in milliseconds. */
const shares = { delay: 0.1, stop: 0.25, kill: 0.05, reclaim: 0.15, spare: 0.1 }

/** The policy whose requested stop is over within `graceMs` of SIGTERM, when whoever asked kills; unchanged where all of it fits. */
export const withinGrace = (policy: Policy, graceMs: number): Policy => {
  if (gracePeriodMs(policy) <= graceMs) return policy
  const cut = (ms: number, share: number): number => Math.min(ms, share * graceMs)
  const drainDelayMs = cut(policy.drainDelayMs, shares.delay)
  const requested = {
    stopMs: cut(policy.stopMs, shares.stop),
    killMs: cut(policy.killMs, shares.kill),
    reclaimMs: cut(policy.reclaimMs, shares.reclaim),
  }
  const rest =
    graceMs - drainDelayMs - requested.stopMs - requested.killMs - requested.reclaimMs - Math.min(spareMs, shares.spare * graceMs)
  return { ...policy, drainDelayMs, drainMs: Math.min(policy.drainMs, rest), requested }
}
