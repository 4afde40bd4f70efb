import { durations } from './durations.ts'
import { capture, load, profile, type Worker } from './loading.ts'
import type { Log } from './log.ts'
import { createPace, type Pace } from './pace.ts'
import type { EngineSettings, StepItem, StepResult, ToWorker } from './protocol.ts'
import { kill, tellParent } from './roles.ts'
import { createLog } from './speech.ts'
import { embed, tokenText } from './text.ts'
import type { Behaviour } from './variables.ts'

/** Seconds that a process which outlives its engine (a fault) stays at most: no rehearsal may leave one for good. */
const strayLife = 600

const resultOf = (item: StepItem, dimensions: number): StepResult =>
  item.task === 'generate'
    ? { id: item.id, text: tokenText(item.index) }
    : { id: item.id, text: '', embedding: embed(item.text, dimensions) }

/** Milliseconds that a step over these sequences takes. */
const stepTime = (items: readonly StepItem[], { faults, prefillMs, tokenMs }: Behaviour): number =>
  faults['slow-tokens'] ?? (items.some((item) => item.index === 0) ? prefillTime(faults, prefillMs) : tokenMs)

const prefillTime = (faults: Behaviour['faults'], prefillMs: number): number =>
  faults['slow-prefill'] === undefined ? prefillMs : 1000 * faults['slow-prefill']

/** Answers steps until it is told, or has decided, to hang. */
const createStepper = (behaviour: Behaviour) => {
  let hung = false
  let tokens = 0
  // A crash handler that never returns keeps a real worker there after SIGSEGV: the process stays, nothing moves.
  process.on('SIGSEGV', () => {
    hung = true
  })
  return (message: Extract<ToWorker, { type: 'step' }>, dimensions: number): void => {
    tokens += message.items.length
    if (tokens > (behaviour.faults.hang ?? Number.POSITIVE_INFINITY)) hung = true
    setTimeout(
      () => {
        if (!hung) tellParent({ type: 'stepped', step: message.step, results: message.items.map((item) => resultOf(item, dimensions)) })
      },
      stepTime(message.items, behaviour),
    )
  }
}

const freeze = async ({ faults }: Behaviour, pace: Pace): Promise<void> => {
  if (faults['worker-freezes'] === undefined) return
  await pace.real(faults['worker-freezes'])
  kill(process.pid, 'SIGSTOP')
}

const nameProcess = (settings: EngineSettings, rank: number): Log => {
  const suffix = settings.tensorParallelSize > 1 ? `_TP${rank}` : ''
  process.title = `VLLM::Worker${suffix}`
  return createLog(`Worker${suffix}`)
}

/** The worker's life: it loads, profiles, captures and steps as the core asks, and ends when the core is gone. Gives the exit code. Edge: a process. */
export const runWorker = (behaviour: Behaviour): Promise<number> => {
  process.title = 'VLLM::Worker'
  const pace = createPace(behaviour)
  const step = createStepper(behaviour)
  const stays = 'setsid-workers' in behaviour.faults
  let worker: Worker | undefined
  return new Promise((resolve) => {
    const answer = async (message: ToWorker): Promise<void> => {
      if (message.type === 'load') {
        worker = { log: nameProcess(message.settings, message.rank), pace, behaviour, settings: message.settings, rank: message.rank }
        const code = await load(worker)
        if (code !== undefined) return resolve(code)
      }
      if (worker === undefined) return
      if (message.type === 'step') return step(message, worker.settings.dimensions)
      if (message.type === 'profile') await profile(worker)
      if (message.type === 'capture') {
        await capture(worker)
        void freeze(behaviour, pace)
      }
      tellParent({ type: 'done' })
    }
    process.on('message', (message) => void answer(message as ToWorker))
    process.once('disconnect', async () => {
      if (!stays) worker?.log.record('INFO', 'multiproc_executor.py:843', 'Parent process exited, terminating worker queues')
      await (stays ? pace.real(strayLife) : pace.wait(durations.workerTeardown))
      resolve(0)
    })
    for (const signal of ['SIGTERM', 'SIGINT'] as const) process.once(signal, () => resolve(0))
  })
}
