/** The vocabulary of the lifecycle: its states, what can happen, what is to be done. `lifecycle.ts` has the diagram and decides. */
import type { Exit } from './exit.ts'

/** Why the current end began; the first one stays. A closed set: it labels metrics. */
export type Reason =
  | 'requested'
  | 'plan-failed'
  | 'pull-failed'
  | 'spawn-failed'
  | 'startup-stalled'
  | 'stalled'
  | 'engine-exited'
  | 'not-reclaimed'
  /** Its processes are gone, the GPU memory that they held is not back. */
  | 'memory-held'

/** What an end leads to. */
export type Next = 'restart' | 'terminate'

/** Where an engine was found to stand still. */
export type From = 'starting' | 'warming' | 'ready'

/** Where the engine is in its life. */
export type State =
  | { readonly kind: 'idle' }
  | { readonly kind: 'pulling' }
  | { readonly kind: 'waiting' }
  | { readonly kind: 'starting' }
  | { readonly kind: 'warming' }
  | { readonly kind: 'ready' }
  /** `stalled`: the engine stands still and policy says to report it. `suspended`: somebody put it to sleep, for as long as they like. */
  | { readonly kind: 'unready'; readonly stalled: boolean; readonly suspended?: true }
  /** It stands still: evidence is collected before anything is done about it. `from`: where it goes back to when it moves again. */
  | { readonly kind: 'examining'; readonly from: From }
  | { readonly kind: 'draining' }
  | { readonly kind: 'stopping'; readonly reason: Reason; readonly next: Next; readonly killed: boolean }
  | { readonly kind: 'reclaiming'; readonly reason: Reason; readonly next: Next; readonly exitCode: number }
  | { readonly kind: 'backoff'; readonly reason: Reason }
  | { readonly kind: 'terminated'; readonly reason: Reason; readonly exitCode: number }

/** What an engine's last words mean for what happens next. */
export type Verdict = {
  /** Another try cannot help. */
  readonly permanent: boolean
  /** What to exit with when this is the end; absent: the engine's own code. */
  readonly exitCode?: number
}

/** What happened. `at` is milliseconds of a monotonic clock; `chance` in [0, 1) is drawn by the loop, so that jitter does not make the decision impure. */
export type Event = { readonly at: number; readonly chance: number } & (
  | { readonly kind: 'start' }
  /** No plan could be made, or the pull failed, or the engine could not be spawned. */
  | { readonly kind: 'failed'; readonly reason: 'plan-failed' | 'pull-failed' | 'spawn-failed'; readonly exitCode: number }
  | { readonly kind: 'pulled' }
  | { readonly kind: 'progressed' }
  | { readonly kind: 'listening' }
  | { readonly kind: 'answered' }
  | { readonly kind: 'probed'; readonly passed: boolean }
  | { readonly kind: 'stalled' }
  /** It sleeps or is paused because somebody asked for it: a request would wait. */
  | { readonly kind: 'suspended' }
  | { readonly kind: 'examined' }
  | ({ readonly kind: 'exited'; readonly exit: Exit } & Verdict)
  /** Every process of the engine is gone; `held`: what they held of GPU memory is not back in time. */
  | { readonly kind: 'reclaimed'; readonly held: boolean }
  /** The engine may start: as much GPU memory is free as it will ask for. */
  | { readonly kind: 'room' }
  | { readonly kind: 'deadline'; readonly epoch: number }
  | { readonly kind: 'drained' }
  | { readonly kind: 'shutdown' }
)

/** What the loop is to do. */
export type Effect =
  | { readonly kind: 'pull' }
  | { readonly kind: 'await-room' }
  | { readonly kind: 'spawn' }
  | { readonly kind: 'warm' }
  | { readonly kind: 'examine' }
  | { readonly kind: 'drain' }
  /** `ms`: when it has to say how far it came. */
  | { readonly kind: 'reclaim'; readonly ms: number }
  | { readonly kind: 'signal'; readonly signal: 'SIGTERM' | 'SIGKILL' }
  | { readonly kind: 'arm'; readonly epoch: number; readonly ms: number }
  | { readonly kind: 'exit'; readonly exitCode: number }

/** `failures` holds the times of the failures that still count against the restart budget; `readyAt` is when it was last found ready. */
export type Lifecycle = {
  readonly state: State
  readonly epoch: number
  readonly failures: readonly number[]
  readonly readyAt?: number
}

/** The next life, and what to do about it, in order. */
export type Step = { readonly next: Lifecycle; readonly effects: readonly Effect[] }

/** Before anything happened. */
export const initial: Lifecycle = { state: { kind: 'idle' }, epoch: 0, failures: [] }
