import { durations } from './durations.ts'
import { type Inbox, openInbox, startSettings } from './inbox.ts'
import { type Log, traceback } from './log.ts'
import { createPace, type Pace } from './pace.ts'
import type { EngineSettings, FromWorker, Output, SchedulerStats, ToCore } from './protocol.ts'
import { kill, tellParent } from './roles.ts'
import { admit, applyStep, type Batch, emptyBatch, isIdle, type Limits, statsOf, stepItems, without } from './scheduler.ts'
import { createLog } from './speech.ts'
import { startStray } from './strays.ts'
import type { Behaviour } from './variables.ts'
import { startWorkers, type WorkerPool } from './worker-pool.ts'

/** What the core works with. */
type Core = {
  readonly log: Log
  readonly pace: Pace
  readonly behaviour: Behaviour
  readonly settings: EngineSettings
  readonly pool: WorkerPool
  readonly limits: Limits
}

const thousands = (value: number): string => value.toLocaleString('en-US')

const load = async ({ log, pace, behaviour, settings, pool }: Core): Promise<void> => {
  await pool.ask((rank) => ({ type: 'load', settings, rank }))
  await pool.ask({ type: 'profile' })
  await pace.phase('kv-cache', durations.kvCache)
  const times = (behaviour.kvTokens / settings.maxLength).toFixed(2)
  const concurrency = `Maximum concurrency for ${thousands(settings.maxLength)} tokens per request: ${times}x`
  log.record('INFO', 'kv_cache_utils.py:2327', `GPU KV cache size: ${thousands(behaviour.kvTokens)} tokens, ${concurrency}`)
  await pool.ask({ type: 'capture' })
  const seconds = durations.profile + durations.kvCache + (settings.enforceEager ? 0 : durations.compile + durations.capture)
  log.record('INFO', 'core.py:402', `init engine (profile, create kv cache, warmup model) took ${(seconds / behaviour.speed).toFixed(2)} s`)
}

const report = (outputs: readonly Output[], stats: SchedulerStats): void => tellParent({ type: 'outputs', outputs, stats })

/** Takes in what has arrived; one that comes while draining is sent back. */
const takeIn = (batch: Batch, messages: readonly ToCore[], draining: boolean, limits: Limits): Batch => {
  const aborted = messages.flatMap((message) => (message.type === 'abort' ? message.ids : []))
  const added = messages.flatMap((message) => (message.type === 'add' ? [message.request] : []))
  const next = without({ ...batch, waiting: draining ? batch.waiting : [...batch.waiting, ...added] }, aborted)
  const refused = draining ? added.map((request): Output => ({ id: request.id, text: '', finish: 'abort' })) : []
  if (refused.length > 0 || aborted.length > 0) report(refused, statsOf(next, limits))
  return next
}

/** Seconds after which a step that does not end is mentioned, again and again. */
const slowStep = 60

const resultsOf = (answers: readonly FromWorker[]) =>
  answers.flatMap((answer) => (answer.type === 'stepped' ? [answer.results] : []))[0] ?? []

/** A long prompt fills the cache chunk by chunk before it gives a token: the scheduler's figures are all that moves. */
const tellChunks = ({ behaviour, limits }: Core, batch: Batch): NodeJS.Timeout | undefined => {
  if (behaviour.faults['slow-prefill'] === undefined || batch.running.every(({ generated }) => generated > 0)) return undefined
  let chunks = 0
  const stats = statsOf(batch, limits)
  return setInterval(() => report([], { ...stats, kvUsage: stats.kvUsage * (1 - 1 / ++chunks) }), 250)
}

const askStep = async (core: Core, batch: Batch, step: number) => {
  const { log, pool } = core
  const sentence = `No available shared memory broadcast block found in ${slowStep} seconds: a process hangs or is busy with something long.`
  const timer = setInterval(() => log.record('INFO', 'shm_broadcast.py:871', sentence), 1000 * slowStep)
  const chunks = tellChunks(core, batch)
  const answers = await pool.ask({ type: 'step', step, items: stepItems(batch) })
  clearInterval(timer)
  clearInterval(chunks)
  return resultsOf(answers)
}

type Stop = { asked: boolean; draining: boolean }

const work = async (core: Core, inbox: Inbox, stop: Stop): Promise<void> => {
  let batch = emptyBatch
  for (let step = 0; !(stop.asked && (isIdle(batch) || !stop.draining)); step++) {
    if (isIdle(batch)) await inbox.arrived()
    batch = admit(takeIn(batch, inbox.take(), stop.draining, core.limits), core.limits)
    if (isIdle(batch)) continue
    const applied = applyStep(batch, await askStep(core, batch, step), core.limits)
    batch = applied.batch
    report(applied.outputs, applied.stats)
  }
}

const listenForStop = ({ log, settings }: Core, inbox: Inbox): Stop => {
  const stop: Stop = { asked: false, draining: false }
  const mode = settings.shutdownTimeout > 0 ? 'drain' : 'abort'
  const begin = (signal: string): void => {
    if (stop.asked) return
    log.record('INFO', 'core.py:1454', `[shutdown] EngineCore: trigger received signal=${signal}`)
    log.record('INFO', 'core.py:1635', `[shutdown] EngineCore: start mode=${mode} timeout=${settings.shutdownTimeout}s`)
    stop.asked = true
    stop.draining = mode === 'drain'
    inbox.wake()
  }
  for (const signal of ['SIGTERM', 'SIGINT'] as const) process.on(signal, () => begin(signal))
  return stop
}

const teardown = async ({ log, pace, pool }: Core): Promise<number> => {
  log.record('INFO', 'core.py:1666', '[shutdown] EngineCore: request processing complete; starting resource teardown')
  log.record('INFO', 'multiproc_executor.py:479', `[shutdown] Executor: waiting for worker exit count=${pool.pids.length}`)
  await pool.close()
  log.record('INFO', 'multiproc_executor.py:486', '[shutdown] Executor: all workers exited gracefully')
  await pace.wait(durations.coreTeardown)
  return 0
}

/** The core's last words when a worker has ended, and its exit code. Before the engine is ready a crash log speaks for itself. */
const mourn = ({ log, behaviour, pool }: Core, ready: boolean, death: { rank: number; code: number | null }): number => {
  pool.kill()
  if (!ready && 'crash-at-load' in behaviour.faults && behaviour.crashLog !== undefined) return 1
  const executor = 'multiproc_executor.py:315'
  if (ready)
    log.record(
      'ERROR',
      executor,
      `Worker proc VllmWorker-${death.rank} died unexpectedly (exit code: ${death.code ?? 'None'}), shutting down executor.`,
    )
  const [title, error] = ready
    ? ['EngineCore encountered a fatal error.', 'RuntimeError: Executor failed.']
    : [
        'EngineCore failed to start.',
        'Exception: WorkerProc initialization failed due to an exception in a background process. See stack trace for root cause.',
      ]
  log.record('ERROR', 'core.py:1512', `${title}\n${traceback('run_engine_core', error)}`)
  log.raw(`Process EngineCore:\n${traceback('run_engine_core', error)}\n`)
  return 1
}

const planned = async ({ behaviour, pace }: Core, fault: 'core-dies' | 'core-freezes', signal: NodeJS.Signals): Promise<void> => {
  const after = behaviour.faults[fault]
  if (after === undefined) return
  await pace.real(after)
  kill(process.pid, signal)
}

/** The engine core's life: it starts the workers, steps them for what comes in, and ends when told or when a worker does. Gives the exit code. Edge: a process. */
export const runCore = async (behaviour: Behaviour): Promise<number> => {
  process.title = 'VLLM::EngineCore'
  // Without it a core whose API server is gone could run out of things to wait for; the real one stays.
  setInterval(() => undefined, 2 ** 30)
  const inbox = openInbox()
  const log = createLog('EngineCore')
  const pace = createPace(behaviour)
  const settings = await startSettings(inbox)
  await pace.phase('engine', durations.coreImport)
  log.record(
    'INFO',
    'core.py:133',
    `Initializing a V1 LLM engine (v0.32.0) with config: model='${settings.model}', max_seq_len=${settings.maxLength}, tensor_parallel_size=${settings.tensorParallelSize}, enforce_eager=${settings.enforceEager ? 'True' : 'False'}`,
  )
  const pool = startWorkers(settings.tensorParallelSize, 'setsid-workers' in behaviour.faults)
  const limits = { maxNumSeqs: settings.maxNumSeqs, kvTokens: behaviour.kvTokens }
  const core: Core = { log, pace, behaviour, settings, pool, limits }
  let ready = false
  let stopped = false
  const serve = async (): Promise<number> => {
    await load(core)
    const stop = listenForStop(core, inbox)
    ready = true
    tellParent({ type: 'ready', workers: pool.pids })
    if ('double-fork' in behaviour.faults) startStray()
    void planned(core, 'core-dies', 'SIGKILL')
    void planned(core, 'core-freezes', 'SIGSTOP')
    await work(core, inbox, stop)
    stopped = true
    return teardown(core)
  }
  const death = pool.died.then((died) => (stopped ? new Promise<number>(() => undefined) : mourn(core, ready, died)))
  return Promise.race([serve(), death])
}
