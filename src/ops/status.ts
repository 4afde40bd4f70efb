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
  /** The last standstill of an engine, which stays after a restart. */
  readonly stall?: { readonly at: string; readonly sentence: string; readonly evidence: readonly string[] }
  readonly version: string
}
