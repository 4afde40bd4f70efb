import type { Engine } from './engine.ts'
import type { EngineSettings, FromCore, ToCore } from './protocol.ts'
import { kill, spawnRole, tell } from './roles.ts'

/** The engine core as the API server holds it. */
export type CoreProcess = {
  readonly send: (message: ToCore) => void
  readonly onOutputs: (receive: Engine['receive']) => void
  /** Settles once with whether the core became ready before it ended. */
  readonly ready: Promise<boolean>
  readonly exited: Promise<void>
  readonly signal: (signal: NodeJS.Signals) => void
  /** SIGKILL to the core and to the workers that it named. */
  readonly kill: () => void
}

/** Starts the core and tells it what to serve. `spareWorkers` keeps its workers out of `kill` (a fault). Edge: spawns. */
export const startCore = (settings: EngineSettings, spareWorkers: boolean): CoreProcess => {
  const child = spawnRole('engine-core')
  let workers: readonly number[] = []
  let receive: Engine['receive'] = () => undefined
  const exited = new Promise<void>((resolve) => child.once('exit', () => resolve()))
  const ready = new Promise<boolean>((resolve) => {
    child.on('message', (message) => {
      const word = message as FromCore
      if (word.type === 'outputs') receive(word.outputs, word.stats)
      else {
        workers = word.workers
        resolve(true)
      }
    })
    void exited.then(() => resolve(false))
  })
  tell(child, { type: 'start', settings })
  return {
    send: (message) => tell(child, message),
    onOutputs: (listener) => {
      receive = listener
    },
    ready,
    exited,
    signal: (signal) => void child.kill(signal),
    kill: () => {
      child.kill('SIGKILL')
      if (!spareWorkers) for (const pid of workers) kill(pid)
    },
  }
}
