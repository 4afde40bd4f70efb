import type { Sources } from '../ops/answer.ts'
import type { Launch } from '../plan/launch.ts'
import type { Clock } from '../std/clock.ts'
import type { Memory } from '../supervisor/memory.ts'
import type { Policy } from '../supervisor/policy.ts'
import type { Program } from '../supervisor/program.ts'
import type { Log } from '../telemetry/log.ts'
import type { Figures } from '../telemetry/metrics.ts'
import type { LastWords } from './last-words.ts'
import type { PastStarts } from './startup.ts'

/** What a run is made of. */
export type RunOptions = {
  readonly policy: Policy
  readonly clock: Clock
  readonly chance: () => number
  readonly log: Log
  readonly version: string
  readonly owned: ReadonlySet<number>
  readonly spared: ReadonlySet<number>
  readonly reap: () => void
  readonly reaped: () => number
  readonly droppedLines: () => number
  /** Made anew for each spawn. */
  readonly program: (launch: Launch) => Program
  /** The engine's environment, for the key that its clients must send. */
  readonly environment: (launch: Launch) => Program['environment']
  /** Nothing of the last engine lives any more: its files may go. */
  readonly onReclaimed: () => void
  /** Fetches what the launch needs; resolves at once when all of it is there. */
  readonly pull: (launch: Launch, signal: AbortSignal, onBytes: (done: number, total: number) => void) => Promise<void>
  readonly pastStarts: PastStarts
  /** The engine became ready: for the first time, or again after a restart. */
  readonly onReady: (launch: Launch) => void
  readonly failureWords: (error: unknown) => LastWords
  /** Processes of this container that the kernel has killed for memory so far. */
  readonly oomKills: () => number | undefined
  /** Below this no context is cut to, in tokens; 0 for never cutting one. */
  readonly contextFloor: number
  readonly onSpawned: () => void
  readonly memory: (launch: Launch) => Memory | undefined
}

/** A run that can be begun, asked and stopped. */
export type Run = {
  readonly begin: (launch: Launch) => void
  /** No launch could be made. */
  readonly refuse: (words: LastWords) => void
  readonly enterPhase: (name: string) => void
  readonly shutdown: () => void
  /** Like shutdown, without waiting for running requests. */
  readonly quit: () => void
  readonly halt: () => void
  readonly report: () => void
  readonly health: Sources['health']
  readonly probe: Sources['probe']
  readonly status: Sources['status']
  readonly figures: () => Figures
  /** The exit code, and what to say when it is not 0. */
  readonly ended: Promise<{ readonly exitCode: number; readonly words?: LastWords }>
}
