/** One run of the engine's whole life: holds the story, feeds the supervisor, and knows how it ended. Acts only through what it is given. */
import { endpointsOf } from '../engine/endpoints.ts'
import { vllm } from '../engine/vllm.ts'
import type { Sources } from '../ops/answer.ts'
import type { Launch } from '../plan/launch.ts'
import { describeExit } from '../supervisor/exit.ts'
import { healthOf } from '../supervisor/health.ts'
import type { State } from '../supervisor/states.ts'
import { createSupervisor, type Happening, type Seen, type Supervisor } from '../supervisor/supervise.ts'
import { cannotEnd, cannotSpawn, notGivenBack } from './blame.ts'
import type { LastWords } from './last-words.ts'
import { figuresOf, statusOf } from './report.ts'
import type { Run, RunOptions } from './run-types.ts'
import { nameStall } from './stall.ts'
import { beginPhase, countSpawn, endPhase, enterState, explain, opening, progressPhase, type Story, standStill } from './story.ts'
import { meaningOf } from './supervision.ts'
import { nextOf, reasonSentence } from './words.ts'
import { drain, listening, type Target, warm } from './work.ts'

/** Progress tells the lifecycle at most so often that the start moves; milliseconds. */
const progressMs = 1000

/** Makes a run; nothing happens until `begin`. */
export const createRun = (options: RunOptions): Run => {
  const { policy, clock, log } = options
  let story: Story = opening
  let launch: Launch | undefined
  let words: LastWords | undefined
  let progressed = Number.NEGATIVE_INFINITY
  /** Lines of a serving engine that show work which it counts nowhere: kernels that are built. */
  let signs = 0
  /** What the watchdog says. */
  let witness: string | undefined
  const { promise: ended, resolve: end } = Promise.withResolvers<{ readonly exitCode: number; readonly words?: LastWords }>()

  const target = (): Target => {
    if (launch === undefined) throw new Error('there is no launch yet')
    const { argv } = launch.engine
    return {
      adapter: vllm,
      endpoints: endpointsOf(argv, options.environment(launch)),
      task: launch.model.facts.task,
      servedName: launch.model.servedNames[0] ?? launch.model.id,
      policy,
      note: (sentence) => {
        story = explain(story, sentence)
        log.write('debug', sentence)
      },
    }
  }

  const enterPhase = (name: string): void => {
    if (story.phases.at(-1)?.name === name) return
    story = beginPhase(story, name, clock.now())
    log.write('info', `phase ${name}`)
  }

  const onState = (state: State, previous: State): void => {
    story = enterState(story, state, clock.now())
    if (previous.kind === 'reclaiming' || state.kind === 'terminated') options.onReclaimed()
    if (state.kind === 'pulling') enterPhase('pull')
    if (state.kind === 'warming') enterPhase('warm-up')
    if (state.kind !== 'pulling' && state.kind !== 'starting' && state.kind !== 'warming') story = endPhase(story, clock.now())
    if (state.kind === 'waiting') return
    const level = state.kind === 'unready' || (state.kind === 'stopping' && state.reason !== 'requested') ? 'warning' : 'info'
    const why = 'reason' in state && state.reason !== 'requested' ? `: ${reasonSentence[state.reason]}` : ''
    log.write(level, `${previous.kind} -> ${state.kind}${why}`, { next: nextOf(state) })
  }

  const onLine = (line: string, stream: 'stdout' | 'stderr'): void => {
    log.engineLine(line, stream)
    const { state } = supervisor.life()
    const kind = state.kind === 'examining' ? state.from : state.kind
    if (kind === 'ready' || kind === 'unready') signs += vllm.readPhase(line) === undefined ? 0 : 1
    if (kind !== 'starting' && kind !== 'warming') return
    const sign = vllm.readPhase(line)
    if (sign !== undefined && kind === 'starting') {
      enterPhase(sign.phase)
      const { done, total, detail } = sign
      const steps = done === undefined || total === undefined ? {} : { done, total, unit: 'steps' as const }
      story = progressPhase(story, { ...steps, ...(detail === undefined ? {} : { detail }) })
    }
    // A first answer may have to compile kernels, which the log tells; anything else says nothing about it.
    const moves = kind === 'starting' ? vllm.showsProgress(line) : sign !== undefined
    if (!moves || clock.now() - progressed < progressMs) return
    progressed = clock.now()
    supervisor.post({ kind: 'progressed' })
  }

  const onExited = ({ exit, lines, served }: Happening & { kind: 'exited' }): void => {
    const { state } = supervisor.life()
    if (state.kind === 'stopping' && state.reason === 'requested') {
      log.write('info', `the engine ${describeExit(exit)}`)
      return
    }
    const { cause, sentence, fix, evidence } = meaningOf(vllm, exit, lines, served)
    const stall = state.kind === 'stopping' ? story.stall : undefined
    const named =
      stall?.sentence ??
      (cause === 'unknown' ? `the engine ${describeExit(exit)} without being asked to` : `${sentence}; the engine ${describeExit(exit)}`)
    story = explain(story, named)
    words = { exitCode: 1, whose: 'engine', sentence: named, evidence: stall?.evidence ?? evidence, ...(fix === undefined ? {} : { fix }) }
    log.write('error', named, { cause, ...(fix === undefined ? {} : { fix }) })
  }

  const examine = async (signal: AbortSignal, pid: number | undefined, lines: readonly string[]): Promise<void> => {
    const { state } = supervisor.life()
    const sentence = nameStall(state.kind === 'examining' ? state.from : 'ready', story.phases.at(-1), witness, policy)
    story = standStill(story, { atMs: clock.now(), sentence, evidence: [] })
    log.write('warning', sentence)
    const { examine: collect } = await import('./examine.ts')
    const evidence = await collect(target(), signal, pid, lines)
    story = standStill(story, { atMs: clock.now(), sentence, evidence })
    for (const line of evidence) log.write('warning', line)
  }

  const watch = async (signal: AbortSignal, report: (seen: Seen) => void): Promise<void> => {
    const { watch: begin } = await import('./watch.ts')
    const onStall = (sentence: string | undefined): void => {
      witness = sentence
    }
    await begin({ ...target(), note: (sentence) => log.write('warning', sentence), signs: () => signs, onStall }, signal, report)
  }

  const fail = (failed: LastWords): void => {
    words = failed
    story = explain(story, failed.sentence)
  }

  /** It came after the cause of the end, which stays the first thing said. */
  const addFailure = (later: LastWords): void => {
    log.write('error', later.sentence, { fix: later.fix })
    fail(words === undefined ? later : { ...words, sentence: `${words.sentence}; ${later.sentence}` })
  }

  const onHappening = (happening: Happening): void => {
    if (happening.kind === 'state') onState(happening.state, happening.previous)
    else if (happening.kind === 'line') onLine(happening.line, happening.stream)
    else if (happening.kind === 'exited') onExited(happening)
    else if (happening.kind === 'error') fail(options.failureWords(happening.error))
    else if (happening.kind === 'spawned') {
      story = countSpawn(story, clock.now())
      log.write('info', 'engine started', { pid: happening.pid, argv: launch?.engine.argv.join(' ') })
      options.onSpawned()
    } else if (happening.kind === 'spawn-failed') fail(cannotSpawn(launch, happening.code))
    else if (happening.kind === 'survivors') addFailure(cannotEnd(happening.survivors))
    else if (happening.kind === 'held') addFailure(notGivenBack(happening.held, happening.users))
    else if (happening.kind === 'lacking') {
      story = explain(story, `others hold GPU memory: ${happening.devices.join('; ')}`)
      log.write('warning', story.reason, { next: nextOf(supervisor.life().state) })
    } else
      end({
        exitCode: happening.exitCode,
        ...(words === undefined || happening.exitCode === 0 ? {} : { words: { ...words, exitCode: happening.exitCode } }),
      })
  }

  const needed = (): Launch => {
    if (launch === undefined) throw new Error('there is no launch yet')
    return launch
  }

  const supervisor: Supervisor = createSupervisor({
    policy,
    clock,
    chance: options.chance,
    owned: options.owned,
    spared: options.spared,
    reap: options.reap,
    onHappening,
    program: () => options.program(needed()),
    memory: () => options.memory(needed()),
    work: {
      pull: (signal) =>
        options.pull(needed(), signal, (done, total) => {
          story = progressPhase(story, { done, total, unit: 'bytes' })
        }),
      listening: (signal) => listening(target(), signal),
      warm: (signal) => warm(target(), signal),
      watch,
      drain: (signal) => drain(target(), signal),
      examine,
      failureOf: (error) => options.failureWords(error).exitCode,
      permanent: (exit, lines, served) => meaningOf(vllm, exit, lines, served).permanent,
    },
  })

  const status = (): ReturnType<Sources['status']> => statusOf(story, { clock, version: options.version, launch, pid: supervisor.pid() })
  return {
    begin: (decided) => {
      launch = decided
      supervisor.post({ kind: 'start' })
    },
    refuse: (refused) => {
      fail(refused)
      supervisor.post({ kind: 'failed', reason: 'plan-failed', exitCode: refused.exitCode })
    },
    enterPhase,
    shutdown: () => supervisor.post({ kind: 'shutdown' }),
    quit: () => {
      supervisor.post({ kind: 'shutdown' })
      if (supervisor.life().state.kind === 'draining') supervisor.post({ kind: 'shutdown' })
    },
    halt: supervisor.halt,
    report: () => log.write('info', 'status', { ...status() }),
    health: () => healthOf(supervisor.life().state, story.everReady),
    status,
    figures: () => figuresOf(story, { clock, version: options.version, launch, pid: supervisor.pid() }, options),
    ended,
  }
}
