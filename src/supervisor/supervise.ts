/** The loop. One mailbox, one writer of the lifecycle; what `lifecycle.ts` decides is done here, through the edges beside it. */
import type { Clock } from '../std/clock.ts'
import type { Lines } from '../std/lines.ts'
import { createMailbox } from '../std/mailbox.ts'
import { startDeadline } from './deadline.ts'
import type { Exit } from './exit.ts'
import { createFootprint } from './footprint.ts'
import { transition } from './lifecycle.ts'
import type { Held, Memory } from './memory.ts'
import type { Policy } from './policy.ts'
import type { Program } from './program.ts'
import { createRing, type Ring } from './ring.ts'
import { type SpawnFailure, signalProcess, spawnProgram } from './spawn.ts'
import { type Effect, type Event, initial, type Lifecycle, type State, type Verdict } from './states.ts'
import type { Survivor } from './sweep.ts'

/** Lines of engine output kept for naming the cause of its end. */
export const ringSize = 2000

/** An event without the time and the chance that the loop adds. */
export type Message = Event extends infer E ? (E extends Event ? Omit<E, 'at' | 'chance'> : never) : never

/** What a watch over a serving engine reports. */
export type Seen = Extract<Message, { readonly kind: 'probed' | 'stalled' | 'suspended' }>

/** What the supervisor is told to do by others who know the engine. Each promise may take its time; `signal` aborts when it is moot. */
export type Work = {
  /** Makes the files present; a rejection ends in `failed` with what `failureOf` makes of it. */
  readonly pull: (signal: AbortSignal) => Promise<void>
  /** Resolves when the engine's server answers at all. */
  readonly listening: (signal: AbortSignal) => Promise<void>
  /** Resolves when a real answer has come out. */
  readonly warm: (signal: AbortSignal) => Promise<void>
  /** While serving: reports health and stalls until aborted; what is known already may be said again. */
  readonly watch: (signal: AbortSignal, report: (seen: Seen) => void) => Promise<void>
  /** Collects what shows why the engine stands still; `lines` are its last ones. The lifecycle waits for it only so long. */
  readonly examine: (signal: AbortSignal, pid: number | undefined, lines: readonly string[]) => Promise<void>
  /** Resolves when no request is in flight. */
  readonly drain: (signal: AbortSignal) => Promise<void>
  /** The exit code of an error that `pull` rejected with. */
  readonly failureOf: (error: unknown) => number
  /** What these last lines mean. */
  readonly verdict: (exit: Exit, lines: readonly string[], served: boolean) => Verdict
}

/** What happened, as data, for logs, metrics and status. */
export type Happening =
  | { readonly kind: 'state'; readonly state: State; readonly previous: State }
  | { readonly kind: 'spawned'; readonly pid: number }
  | ({ readonly kind: 'spawn-failed' } & SpawnFailure)
  | { readonly kind: 'lines'; readonly lines: Lines; readonly stream: 'stdout' | 'stderr' }
  /** `served`: this engine had been ready. */
  | { readonly kind: 'exited'; readonly exit: Exit; readonly lines: readonly string[]; readonly served: boolean }
  | { readonly kind: 'error'; readonly error: unknown }
  | { readonly kind: 'survivors'; readonly survivors: readonly Survivor[] }
  /** GPU memory that did not come back in time; `users` are phrases on who can be seen to use it. */
  | { readonly kind: 'held'; readonly held: readonly Held[]; readonly users: readonly string[] }
  /** A start waits: somebody else holds the GPU memory that the engine asks for. One phrase for each device. */
  | { readonly kind: 'lacking'; readonly devices: readonly string[] }
  | { readonly kind: 'end'; readonly exitCode: number }

/** What a supervisor is made of; everything that touches the world can be replaced by a test. */
export type SupervisorOptions = {
  readonly policy: Policy
  readonly clock: Clock
  readonly chance: () => number
  /** GPU memory of the engine's devices, asked before each start. */
  readonly memory: () => Memory | undefined
  /** Asked at each spawn, so that it may differ from the last time. */
  readonly program: () => Program
  readonly work: Work
  readonly owned: ReadonlySet<number>
  /** Children that were there before us, which are not the engine's and stay. */
  readonly spared: ReadonlySet<number>
  readonly reap: () => void
  readonly onHappening: (happening: Happening) => void
}

/** A running supervisor: outsiders send it messages and read what it is in; they never act on what they read. */
export type Supervisor = {
  readonly post: (message: Message) => void
  readonly life: () => Lifecycle
  readonly pid: () => number | undefined
  /** Decides nothing any more, whatever comes: for an end that the lifecycle did not choose. */
  readonly halt: () => void
}

/** Makes a supervisor in state `idle`; `post({ kind: 'start' })` begins. */
export const createSupervisor = (options: SupervisorOptions): Supervisor => {
  const { policy, clock, work, onHappening } = options
  let life: Lifecycle = initial
  let pid: number | undefined
  let callOff = (): void => undefined
  let ring: Ring = createRing(ringSize)
  /** Whether the present engine has been ready. */
  let served = false
  let halted = false
  /** Aborted when the engine it was made for is stopping or gone. */
  let run = new AbortController()
  const others = (): ReadonlySet<number> => new Set([...options.owned, ...options.spared].filter((other) => other !== pid))
  const footprint = createFootprint({ others, reap: options.reap, memory: options.memory })

  const mailbox = createMailbox<Message>((message) => {
    if (halted) return
    const event = { ...message, at: clock.now(), chance: options.chance() } as Event
    const previous = life.state
    const step = transition(life, event, policy)
    life = step.next
    if (previous.kind !== life.state.kind || previous !== life.state) entered(previous, life.state)
    // Only of a start that gets on.
    if (event.kind === 'progressed') footprint.note()
    for (const effect of step.effects) perform(effect)
  })
  const post = mailbox.post

  const entered = (previous: State, state: State): void => {
    if (state.kind === 'stopping' || state.kind === 'reclaiming' || state.kind === 'terminated') run.abort()
    if (previous.kind === 'starting' && state.kind === 'warming') footprint.note()
    const first = state.kind === 'ready' && !served
    if (first) {
      served = true
      footprint.note()
    }
    if (previous.kind !== state.kind || state.kind === 'stopping') onHappening({ kind: 'state', state, previous })
    if (first) watch()
    if (previous.kind === 'waiting') footprint.stopWaiting()
  }

  const perform = (effect: Effect): void => {
    if (effect.kind === 'arm') arm(effect.epoch, effect.ms)
    else if (effect.kind === 'signal') signal(effect.signal)
    else if (effect.kind === 'exit') finish(effect.exitCode)
    else if (effect.kind === 'reclaim') reclaimWithin(effect.ms)
    else actions[effect.kind]()
  }

  const arm = (epoch: number, ms: number): void => {
    // The epoch makes an old timer harmless; it is cleared only so that a start which re-arms every second does not pile them up.
    callOff()
    callOff = startDeadline(ms, clock, () => post({ kind: 'deadline', epoch }))
  }

  const finish = (exitCode: number): void => {
    callOff()
    onHappening({ kind: 'end', exitCode })
  }

  const signal = (name: 'SIGTERM' | 'SIGKILL'): void => {
    // TERM goes to the engine alone: a group-wide one makes vLLM's workers leave before it has finished.
    if (pid !== undefined) signalProcess(name === 'SIGKILL' ? -pid : pid, name)
  }

  const attempt = (task: Promise<void>, done: Message, failed?: (error: unknown) => Message): void => {
    const { signal: aborted } = run
    task.then(
      () => {
        if (!aborted.aborted) post(done)
      },
      (error: unknown) => {
        if (aborted.aborted) return
        onHappening({ kind: 'error', error })
        if (failed) post(failed(error))
      },
    )
  }

  const watch = (): void => {
    const { signal: aborted } = run
    const report = (seen: Seen): void => {
      if (!aborted.aborted) post(seen)
    }
    work.watch(aborted, report).catch((error: unknown) => {
      if (!aborted.aborted) onHappening({ kind: 'error', error })
    })
  }

  const reclaimWithin = (ms: number): void =>
    footprint.reclaim(ms, ({ survivors, held, users }) => {
      if (held.length > 0) onHappening({ kind: 'held', held, users })
      if (survivors.length > 0) onHappening({ kind: 'survivors', survivors })
      else post({ kind: 'reclaimed', held: held.length > 0 })
    })

  const actions = {
    pull: () =>
      attempt(work.pull(run.signal), { kind: 'pulled' }, (error) => ({
        kind: 'failed',
        reason: 'pull-failed',
        exitCode: work.failureOf(error),
      })),
    warm: () => attempt(work.warm(run.signal), { kind: 'answered' }),
    drain: () => attempt(work.drain(run.signal), { kind: 'drained' }),
    examine: () => attempt(work.examine(run.signal, pid, ring.lines()), { kind: 'examined' }, () => ({ kind: 'examined' })),
    'await-room': () =>
      footprint.awaitRoom(
        (devices) => onHappening({ kind: 'lacking', devices }),
        () => post({ kind: 'room' }),
      ),
    spawn: () => {
      run = new AbortController()
      served = false
      footprint.begin()
      const own = createRing(ringSize)
      ring = own
      spawnProgram(options.program(), {
        onSpawned: (spawned) => {
          pid = spawned
          onHappening({ kind: 'spawned', pid: spawned })
          attempt(work.listening(run.signal), { kind: 'listening' })
        },
        onSpawnFailed: (failure) => {
          onHappening({ kind: 'spawn-failed', ...failure })
          post({ kind: 'failed', reason: 'spawn-failed', exitCode: failure.exitCode })
        },
        onLines: (lines, stream) => {
          own.push(lines)
          onHappening({ kind: 'lines', lines, stream })
        },
        onGone: () => {
          // While its last words come in nobody may be told that it serves.
          run.abort()
          post({ kind: 'probed', passed: false })
        },
        onExit: (exit) => {
          pid = undefined
          onHappening({ kind: 'exited', exit, lines: own.lines(), served })
          post({ kind: 'exited', exit, ...work.verdict(exit, own.lines(), served) })
        },
      })
    },
  }

  const halt = (): void => {
    halted = true
    callOff()
    run.abort()
    footprint.halt()
  }

  return { post, life: () => life, pid: () => pid, halt }
}
