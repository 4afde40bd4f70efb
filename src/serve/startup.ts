/** Follows an engine's start: phases from its log, movement from what it uses, and how long is left by the last start. Acts only through what it is given. */
import type { EngineAdapter } from '../engine/adapter.ts'
import type { MemoryFigures } from '../engine/figures.ts'
import type { StartStatus } from '../ops/status.ts'
import type { Launch } from '../plan/launch.ts'
import type { Clock } from '../std/clock.ts'
import { type Lines, linesOf } from '../std/lines.ts'
import type { Memory, MemoryUse } from '../supervisor/memory.ts'
import type { Policy } from '../supervisor/policy.ts'
import type { Message, Supervisor } from '../supervisor/supervise.ts'
import type { Log } from '../telemetry/log.ts'
import type { Outcome } from './boots.ts'
import { type PastStart, remember } from './eta.ts'
import { describeStart, startStatus } from './start-status.ts'
import { beginPhase, followSign, move, type Story } from './story.ts'

/** Progress tells the lifecycle at most so often that the start moves; milliseconds. */
const progressMs = 1000
/** Lines that come closer together are one movement; milliseconds. */
const hearingMs = 50
/** Between two lines about a start that takes its time; milliseconds. */
const reportMs = 30_000

/** Where past starts are kept. */
export type PastStarts = {
  readonly read: (launch: Launch) => Promise<PastStart | undefined>
  readonly write: (launch: Launch, past: PastStart) => Promise<void>
  /** Keeps what it took of the GPUs' memory. */
  readonly teach: (launch: Launch, figures: MemoryFigures, outcome: Outcome) => void
}

/** What a start is followed with. */
export type StartupOptions = {
  readonly adapter: EngineAdapter
  readonly clock: Clock
  readonly log: Log
  readonly policy: Policy
  readonly pastStarts: PastStarts
  readonly memory: () => Memory | undefined
  readonly story: () => Story
  readonly change: (change: (story: Story) => Story) => void
  readonly supervisor: () => Pick<Supervisor, 'post' | 'life' | 'pid'>
}

/** Follows one start after the other. */
export type Startup = {
  /** Learns how long the last start of this launch took, once; for when the engine is spawned or something else takes its time. */
  readonly learn: (launch: Launch) => void
  readonly enter: (phase: string) => void
  readonly onLines: (lines: Lines) => void
  /** Looks at the engine from outside until it is ready. */
  readonly watch: (signal: AbortSignal) => void
  /** It became ready. */
  readonly keep: (launch: Launch) => void
  /** It ended before, of this cause, and nothing else is tried. */
  readonly giveUp: (launch: Launch, cause: string) => void
  readonly status: () => StartStatus | undefined
}

/** Makes one; nothing happens by itself. */
export const createStartup = (options: StartupOptions): Startup => {
  const { adapter, clock, log, story, change } = options
  const { startupStallMs } = options.policy
  let past: PastStart | undefined
  let learnt = false
  let told = Number.NEGATIVE_INFINITY
  let reported = 0
  let lines = 0
  let heard = Number.NEGATIVE_INFINITY
  let figures: MemoryFigures = {}

  const status = (): StartStatus | undefined => startStatus(story(), past, clock.now(), startupStallMs)
  const tell = (message: Message): void => {
    if (clock.now() - told < progressMs) return
    told = clock.now()
    options.supervisor().post(message)
  }
  /** `starting` or `warming`, also while that is examined; undefined otherwise. */
  const stage = (): 'starting' | 'warming' | undefined => {
    const { state } = options.supervisor().life()
    const kind = state.kind === 'examining' ? state.from : state.kind
    return kind === 'starting' || kind === 'warming' ? kind : undefined
  }
  const moved = (by: string): void => {
    change((now) => move(now, by, clock.now()))
    tell({ kind: 'progressed' })
  }
  const phaseNow = (): string | undefined => story().phases.at(-1)?.name
  const announce = (name: string): void => {
    reported = clock.now()
    log.write('info', `phase ${name}`)
  }
  const enter = (name: string): void => {
    if (name === 'import') figures = {}
    if (phaseNow() === name) return
    change((before) => beginPhase(before, name, clock.now()))
    announce(name)
  }
  /** Follows what a line says; whether it shows that the start moves. */
  const hear = (kind: 'starting' | 'warming', line: string): boolean => {
    if (kind === 'starting') figures = adapter.addFigures(figures, line)
    // A first answer may have to compile kernels, which the log tells; anything else says nothing about it.
    const moves = kind === 'starting' ? adapter.showsProgress(line) : adapter.showsWork(line)
    const sign = kind === 'starting' || moves ? adapter.readPhase(line) : undefined
    if (sign !== undefined && (kind === 'starting' || sign.phase === 'kernel-jit')) {
      const before = phaseNow()
      change((now) => followSign(now, sign, clock.now()))
      if (phaseNow() !== before) announce(sign.phase)
    }
    return moves
  }
  const countMoving = (kind: 'starting' | 'warming', { bytes, count }: Lines): number => {
    if (adapter.mayTell(bytes)) return linesOf(bytes.toString()).filter((line) => hear(kind, line)).length
    return kind === 'starting' ? count : 0
  }
  const report = (): void => {
    const now = status()
    if (now === undefined || clock.now() - reported < reportMs) return
    reported = clock.now()
    log.write(now.verdict === 'stalled' ? 'warning' : 'info', describeStart(now, story().phases.at(-1)))
  }

  return {
    learn: (launch) => {
      if (learnt) return
      learnt = true
      void options.pastStarts.read(launch).then((found) => {
        past = found
      })
    },
    enter,
    status,
    onLines: (said) => {
      const kind = stage()
      if (kind === undefined) return
      const moving = countMoving(kind, said)
      if (moving === 0) return
      lines += moving
      // A flood brings them without a pause, for which probes would wait.
      if (clock.now() - heard < hearingMs) return
      heard = clock.now()
      moved('log')
    },
    watch: (signal) => {
      const { pid } = options.supervisor()
      const scene = {
        stallMs: startupStallMs,
        pid,
        lines: () => lines,
        gpuBytes: async () => sumOf(await options.memory()?.used()),
        starting: () => stage() !== undefined,
        onMoved: moved,
        onLook: report,
      }
      void import('./start-watch.ts').then(({ watchStart }) => watchStart(scene, signal))
    },
    keep: (launch) => {
      past = remember(story().phases) ?? past
      if (past !== undefined) void options.pastStarts.write(launch, past)
      options.pastStarts.teach(launch, figures, 'served')
    },
    giveUp: (launch, cause) => {
      if (adapter.wasTooSmall(cause)) options.pastStarts.teach(launch, figures, 'too-small')
    },
  }
}

/** A GPU that does not say is left out; none that says anything is unknown. */
const sumOf = (used: MemoryUse | undefined): number | undefined => {
  const bytes = Object.values(used ?? {})
  return bytes.length === 0 ? undefined : bytes.reduce((sum, each) => sum + each, 0)
}
