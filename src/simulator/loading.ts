import { durations } from './durations.ts'
import { type Log, shardsLine, traceback } from './log.ts'
import { listShards, readPiece, readShard, readText } from './model-files.ts'
import type { Pace } from './pace.ts'
import type { EngineSettings } from './protocol.ts'
import type { Behaviour } from './variables.ts'

/** What a worker knows. */
export type Worker = {
  readonly log: Log
  readonly pace: Pace
  readonly behaviour: Behaviour
  readonly settings: EngineSettings
  readonly rank: number
}

// The log says what passed here, not what would have passed in a real engine.
const took = (seconds: number, { behaviour }: Worker): string => (seconds / behaviour.speed).toFixed(2)

const gib = (bytes: number): string => (bytes / 1024 ** 3).toFixed(2)

const announce = ({ log, settings, rank }: Worker): void => {
  const size = settings.tensorParallelSize
  log.record(
    'INFO',
    'parallel_state.py:1906',
    `world_size=${size} rank=${rank} local_rank=${rank} distributed_init_method=none backend=none`,
  )
  log.record('INFO', 'gpu_model_runner.py:68', `Starting to load model ${settings.model}...`)
}

/** The fault `silent-load`: real reads of the real files, again and again. */
const readSilently = async ({ behaviour, pace }: Worker, shards: readonly string[]): Promise<void> => {
  for (let left = behaviour.faults['silent-load'] ?? 0; left > 0; left -= 0.1) {
    for (const path of shards) await readPiece(path)
    await pace.real(0.1)
  }
}

/** The words of what went wrong while loading, or undefined. */
const loadShards = async (worker: Worker): Promise<string | undefined> => {
  const { log, pace, settings, rank, behaviour } = worker
  const shards = await listShards(settings.model)
  if (shards.length === 0 && rank === 0) log.record('WARNING', 'simulator', 'No *.safetensors here: going on without weights.')
  const crashing = 'crash-at-load' in behaviour.faults
  let bytes = 0
  const part = durations.weights / Math.max(1, shards.length)
  if (rank === 0) log.raw(shardsLine(0, shards.length, 0))
  await readSilently(worker, shards)
  for (const [index, path] of shards.entries()) {
    await pace.phase('weights', part)
    if (crashing) break
    const shard = await readShard(path)
    if (shard.problem !== undefined)
      return `safetensors._safetensors_rust.SafetensorError: Error while deserializing header: ${shard.problem}\n(${path})`
    bytes += shard.bytes
    if (rank === 0) log.raw(shardsLine(index + 1, shards.length, (part * (index + 1)) / behaviour.speed))
  }
  if (crashing) return 'RuntimeError: the simulator was told to crash while loading weights'
  log.record('INFO', 'default_loader.py:501', `Loading weights took ${took(durations.weights, worker)} seconds`)
  const own = gib(bytes / settings.tensorParallelSize)
  log.record('INFO', 'gpu_model_runner.py:90', `Model loading took ${own} GiB memory and ${took(durations.weights, worker)} seconds`)
  return undefined
}

const reportCrash = async ({ log, behaviour }: Worker, error: string): Promise<number> => {
  const told = 'crash-at-load' in behaviour.faults
  const story = told && behaviour.crashLog !== undefined ? await readText(behaviour.crashLog) : undefined
  if (story !== undefined) log.raw(story)
  else log.record('ERROR', 'multiproc_executor.py:953', `WorkerProc failed to start.\n${traceback('load_model', error)}`)
  return told ? behaviour.exitCode : 1
}

/** Loads the model as far as there is one; gives the exit code when that failed, after saying why. */
export const load = async (worker: Worker): Promise<number | undefined> => {
  await worker.pace.phase('engine', durations.workerImport)
  announce(worker)
  const error = await loadShards(worker)
  return error === undefined ? undefined : reportCrash(worker, error)
}

const compile = async (worker: Worker): Promise<void> => {
  const { log, pace, rank } = worker
  if (rank === 0) log.record('INFO', 'backends.py:900', "Using cache directory: none for vLLM's torch.compile")
  await pace.phase('compile', durations.compile)
  if (rank === 0) log.record('INFO', 'monitor.py:60', `torch.compile took ${took(durations.compile, worker)} s in total`)
}

/** Compiles unless told to be eager, and finds out how much KV cache there is. */
export const profile = async (worker: Worker): Promise<void> => {
  const { log, pace, settings, rank, behaviour } = worker
  if (!settings.enforceEager) await compile(worker)
  await pace.phase('profile', durations.profile)
  if (rank > 0) return
  log.record('INFO', 'monitor.py:91', `Initial profiling/warmup run took ${took(durations.profile, worker)} s`)
  // A pretended KiB per token, the figure of the captured tiny model: the log and the gauge then agree on one number.
  log.record('INFO', 'gpu_worker.py:260', `Available KV cache memory: ${gib(behaviour.kvTokens * 1024)} GiB`)
}

/** Captures graphs unless told to be eager. */
export const capture = async (worker: Worker): Promise<void> => {
  const { log, pace, rank, settings } = worker
  if (settings.enforceEager) return
  await pace.phase('capture', durations.capture)
  if (rank === 0)
    log.record(
      'INFO',
      'gpu_model_runner.py:5000',
      `Graph capturing finished in ${Math.round(Number(took(durations.capture, worker)))} secs, took 0.05 GiB`,
    )
}
