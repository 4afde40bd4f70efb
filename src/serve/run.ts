/** One run of the engine's whole life: holds the story, feeds the supervisor, and knows how it ended. Acts only through what it is given. */

import type { ExitMeaning } from '../engine/adapter.ts'
import { endpointsOf } from '../engine/endpoints.ts'
import { vllm } from '../engine/vllm.ts'
import type { Launch } from '../plan/launch.ts'
import type { Lines } from '../std/lines.ts'
import { describeExit, type Exit } from '../supervisor/exit.ts'
import { healthOf } from '../supervisor/health.ts'
import type { State } from '../supervisor/states.ts'
import { createSupervisor, type Happening, type Supervisor } from '../supervisor/supervise.ts'
import { blame, cannotEnd, cannotSpawn, notGivenBack } from './blame.ts'
import { joinWords, type LastWords } from './last-words.ts'
import { figuresOf, probeStatusOf, type Scene, statusOf } from './report.ts'
import type { Run, RunOptions } from './run-types.ts'
import { contextToTry } from './self-help.ts'
import { createStandstill, type Standstill } from './standstill.ts'
import { createStartup, type Startup } from './startup.ts'
import {
  adjust,
  countHelp,
  countSpawn,
  endPhase,
  enterState,
  explain,
  failWith,
  isUnderWay,
  move,
  opening,
  progressPhase,
  type Story,
} from './story.ts'
import { meaningOf } from './supervision.ts'
import { nextOf, stepSentence, wasAskedFor } from './words.ts'
import { drain, listening, type Target, warm } from './work.ts'

/** Makes a run; nothing happens until `begin`. */
export const createRun = (options: RunOptions): Run => {
  const { policy, clock, log } = options
  let story: Story = opening
  let launch: Launch | undefined
  let words: LastWords | undefined
  /** Kills for memory that the kernel had counted when the engine was spawned. */
  let killsBefore: number | undefined
  /** The last end is to be followed by another try, though as it was it would end the same way. */
  let helping = false
  const { promise: ended, resolve: end } = Promise.withResolvers<{ readonly exitCode: number; readonly words?: LastWords }>()

  const needed = (): Launch => {
    if (launch === undefined) throw new Error('there is no launch yet')
    return launch
  }
  const target = (): Target => {
    const now = needed()
    return {
      adapter: vllm,
      endpoints: endpointsOf(now.engine.argv, options.environment(now)),
      task: now.model.facts.task,
      servedName: now.model.servedNames[0] ?? now.model.id,
      policy,
      note: (sentence) => {
        story = explain(story, sentence)
        log.write('debug', sentence)
      },
    }
  }

  const onState = (state: State, previous: State): void => {
    story = enterState(story, state, clock.now())
    if (previous.kind === 'reclaiming' || state.kind === 'terminated') options.onReclaimed()
    if (state.kind === 'pulling') startup.enter('pull')
    if (state.kind === 'starting' && previous.kind !== 'examining') story = countSpawn(story, clock.now())
    if (state.kind === 'warming') startup.enter('warm-up')
    if (!isUnderWay(state)) story = endPhase(story, clock.now())
    if (state.kind === 'ready' && previous.kind !== 'unready' && launch !== undefined) {
      startup.keep(launch)
      options.onReady(launch)
    }
    if (state.kind === 'waiting') return
    const level = state.kind === 'unready' || (state.kind === 'stopping' && !wasAskedFor(state)) ? 'warning' : 'info'
    log.write(level, stepSentence(previous, state), { next: nextOf(state) })
  }

  const onLines = (lines: Lines, stream: 'stdout' | 'stderr'): void => {
    log.engineLines(lines, stream)
    const { state } = supervisor.life()
    if (state.kind === 'ready' || state.kind === 'unready') standstill.onLines(lines)
    else startup.onLines(lines)
  }

  const means = (exit: Exit, lines: readonly string[], served: boolean): ExitMeaning => {
    const kills = options.oomKills()
    return meaningOf(vllm, exit, lines, served, kills === undefined || killsBefore === undefined ? undefined : kills - killsBefore)
  }

  /** Tries once more with what fits, if anything is to be tried. */
  const helpItself = (meaning: ExitMeaning): void => {
    const { failures } = supervisor.life()
    const cut = story.selfHelp.context !== undefined
    const tokens = contextToTry({ meaning, policy, failures: failures.length, floor: options.contextFloor, cut })
    if (tokens === undefined && launch !== undefined) startup.giveUp(launch, meaning.cause)
    if (launch === undefined || tokens === undefined) return
    const { engine } = launch
    const sentence = `serves a context of ${tokens} tokens instead of the planned one: ${meaning.sentence}`
    helping = true
    launch = { ...launch, engine: { ...engine, argv: vllm.withContext(engine.argv, tokens) } }
    story = adjust(countHelp(story, 'context'), sentence)
    log.write('warning', `starts once more and ${sentence}`, {
      fix: 'AIM_MIN_MODEL_LEN=0 forbids that; AIM_MAX_MODEL_LEN sets the context',
    })
  }

  const onExited = ({ exit, lines, served }: Happening & { kind: 'exited' }): void => {
    const { state } = supervisor.life()
    helping = false
    if (wasAskedFor(state)) {
      log.write('info', `the engine ${describeExit(exit)}`)
      return
    }
    const meaning = means(exit, lines, served)
    const { whose, ...shown } = blame(meaning, exit, state.kind === 'stopping' ? story.stall : undefined)
    const { cause, ...said } = shown
    story = failWith(story, { ...shown, atMs: clock.now() })
    words = { exitCode: 1, whose, ...said }
    log.write('error', said.sentence, { cause, ...(said.fix === undefined ? {} : { fix: said.fix }) })
    if (state.kind === 'starting' || state.kind === 'warming') helpItself(meaning)
  }

  const fail = (failed: LastWords): void => {
    words = failed
    story = explain(story, failed.sentence)
  }

  const addFailure = (later: LastWords): void => {
    log.write('error', later.sentence, { fix: later.fix })
    fail(joinWords(words, later))
  }

  const onHappening = (happening: Happening): void => {
    if (happening.kind === 'state') onState(happening.state, happening.previous)
    else if (happening.kind === 'lines') onLines(happening.lines, happening.stream)
    else if (happening.kind === 'exited') onExited(happening)
    else if (happening.kind === 'error') fail(options.failureWords(happening.error))
    else if (happening.kind === 'spawned') {
      startup.enter('import')
      startup.learn(needed())
      log.write('info', 'engine started', { pid: happening.pid, argv: launch?.engine.argv.join(' ') })
      options.onSpawned()
    } else if (happening.kind === 'spawn-failed') fail(cannotSpawn(launch, happening))
    else if (happening.kind === 'survivors') addFailure(cannotEnd(happening.survivors))
    else if (happening.kind === 'held') {
      story = { ...story, heldBytes: Object.fromEntries(happening.held.map(({ device, bytes }) => [device, bytes])) }
      addFailure(notGivenBack(happening.held, happening.users))
    } else if (happening.kind === 'lacking') {
      story = countHelp(explain(story, `others hold GPU memory: ${happening.devices.join('; ')}`), 'memory-wait')
      log.write('warning', story.reason, { next: nextOf(supervisor.life().state) })
    } else
      end({
        exitCode: happening.exitCode,
        ...(words === undefined || happening.exitCode === 0 ? {} : { words: { ...words, exitCode: happening.exitCode } }),
      })
  }

  const shared = {
    clock,
    log,
    policy,
    story: () => story,
    change: (change: (now: Story) => Story) => {
      story = change(story)
    },
    supervisor: () => supervisor,
  }
  const standstill: Standstill = createStandstill({ ...shared, adapter: vllm, target })
  const startup: Startup = createStartup({
    ...shared,
    adapter: vllm,
    pastStarts: options.pastStarts,
    memory: () => (launch === undefined ? undefined : options.memory(launch)),
  })

  const supervisor: Supervisor = createSupervisor({
    policy,
    clock,
    chance: options.chance,
    owned: options.owned,
    spared: options.spared,
    reap: options.reap,
    onHappening,
    program: () => {
      killsBefore = options.oomKills()
      return options.program(needed())
    },
    memory: () => options.memory(needed()),
    work: {
      pull: (signal) =>
        options.pull(needed(), signal, (done, total) => {
          startup.learn(needed())
          story = progressPhase(done > (story.phases.at(-1)?.done ?? -1) ? move(story, 'bytes', clock.now()) : story, {
            done,
            total,
            unit: 'bytes',
          })
        }),
      listening: (signal) => {
        startup.watch(signal)
        return listening(target(), signal)
      },
      warm: (signal) => warm(target(), signal),
      watch: standstill.watch,
      drain: (signal) => drain(target(), signal),
      examine: standstill.examine,
      failureOf: (error) => options.failureWords(error).exitCode,
      verdict: (exit, lines, served) =>
        // Nobody asks, and who waits for the stop would wait for the reading of thousands of lines.
        wasAskedFor(supervisor.life().state)
          ? { permanent: false }
          : { ...means(exit, lines, served), ...(helping ? { permanent: false } : {}) },
    },
  })

  const scene = (): Scene => ({ clock, version: options.version, launch, pid: supervisor.pid(), startup: startup.status() })
  const status = () => statusOf(story, scene())
  return {
    begin: (decided) => {
      launch = decided
      supervisor.post({ kind: 'start' })
    },
    refuse: (refused) => {
      fail(refused)
      supervisor.post({ kind: 'failed', reason: 'plan-failed', exitCode: refused.exitCode })
    },
    enterPhase: startup.enter,
    shutdown: () => supervisor.post({ kind: 'shutdown' }),
    quit: () => {
      supervisor.post({ kind: 'shutdown' })
      if (supervisor.life().state.kind === 'draining') supervisor.post({ kind: 'shutdown' })
    },
    halt: supervisor.halt,
    report: () => log.write('info', 'status', { ...status() }),
    health: () => healthOf(supervisor.life().state, story.everReady),
    probe: () => probeStatusOf(story, clock),
    status,
    figures: () => figuresOf(story, scene(), options),
    ended,
  }
}
