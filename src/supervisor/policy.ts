/** When an engine that ended is started again. The budget (intensity in a period, OTP's words) holds for all of them. */
export type RestartPolicy = {
  /** `always`: after any end nobody asked for. `on-failure`: not after an exit with code 0. `never`: the first end is the last. */
  readonly when: 'always' | 'on-failure' | 'never'
  /** Restarts allowed within `periodMs`; one more ends the supervisor. */
  readonly intensity: number
  readonly periodMs: number
  /** First wait; doubles up to `capMs`. */
  readonly baseMs: number
  readonly capMs: number
}

/** How long each stage of an engine's life may take; milliseconds. The grace period of every manifest is `gracePeriodMs` of this. */
export type Policy = {
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
  /** From SIGTERM to SIGKILL. */
  readonly stopMs: number
  /** From SIGKILL to giving up on the process. */
  readonly killMs: number
  /** Until no descendant is left and VRAM is back. */
  readonly reclaimMs: number
  readonly restart: RestartPolicy
}

/** What a container needs between SIGTERM and SIGKILL so that every stage can take its time, with a second to spare for ourselves. */
export const gracePeriodMs = (policy: Policy): number =>
  policy.drainDelayMs + policy.drainMs + policy.stopMs + policy.killMs + policy.reclaimMs + 1000
