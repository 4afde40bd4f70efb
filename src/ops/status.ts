/** One stage of the way to ready, with its times in milliseconds since our own start; `endMs` is absent while it runs. */
export type PhaseStatus = {
  readonly name: string
  readonly startMs: number
  readonly endMs?: number
  readonly done?: number
  readonly total?: number
  readonly unit?: 'bytes' | 'steps'
  readonly detail?: string
}

/** How a start stands; milliseconds. */
export type StartStatus = {
  readonly phase: string
  readonly elapsedMs: number
  /** Until ready, by the last start with the same engine, model, arguments and GPUs; absent when there is none to go by. */
  readonly etaMs?: number
  readonly lastMs?: number
  readonly verdict: 'progressing' | 'stalled'
  /** Since anything moved, and what it was: log, bytes, memory, gpu-memory, cpu. */
  readonly stillMs: number
  readonly movedBy?: string
  /** Until it is ended for standing still. */
  readonly endsInMs?: number
}

/** What a probe answers: the little of a status that a person reads in `kubectl describe`. Probes come often, so no more is made for them. */
export type ProbeStatus = Pick<Status, 'state' | 'since' | 'reason' | 'next'> & { readonly phase?: PhaseStatus }

/** What `/status` answers. Carries no prompt and no secret; field names are public API. */
export type Status = {
  readonly state: string
  /** ISO 8601. */
  readonly since: string
  /** Why it is in this state; empty when nothing special happened. */
  readonly reason: string
  /** What happens next, in words. */
  readonly next: string
  readonly ready: boolean
  readonly everReady: boolean
  readonly engine: { readonly name?: string; readonly pid?: number; readonly url?: string }
  readonly model?: { readonly id: string; readonly servedNames: readonly string[] }
  readonly profile?: { readonly id: string }
  readonly gpus: number
  readonly restarts: number
  readonly phases: readonly PhaseStatus[]
  /** What is served otherwise than planned and why, in sentences; absent when nothing is. */
  readonly adjustments?: readonly string[]
  /** While a start is under way. */
  readonly startup?: StartStatus
  /** The last standstill of an engine, which stays after a restart. */
  readonly stall?: { readonly at: string; readonly sentence: string; readonly evidence: readonly string[] }
  /** The last failure of an engine, which stays after a restart: `cause` is one of a closed set, `evidence` the lines that show it. */
  readonly failure?: {
    readonly at: string
    readonly cause: string
    readonly sentence: string
    readonly fix?: string
    readonly evidence: readonly string[]
  }
  readonly version: string
}
