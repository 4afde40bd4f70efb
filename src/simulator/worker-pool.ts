import type { FromWorker, ToWorker } from './protocol.ts'
import { kill, spawnRole, tell } from './roles.ts'

/** The workers of one engine core, one per rank. */
export type WorkerPool = {
  readonly pids: readonly number[]
  /** Asks every worker and gives all their answers, by rank; never settles when one does not answer. */
  readonly ask: (message: ToWorker | ((rank: number) => ToWorker)) => Promise<readonly FromWorker[]>
  /** Settles with the rank and the exit code of the first worker that ends. */
  readonly died: Promise<{ readonly rank: number; readonly code: number | null }>
  /** Closes the channels, which ends the workers in their own time, and waits for that. */
  readonly close: () => Promise<void>
  /** Ends them at once; those in sessions of their own are left. */
  readonly kill: () => void
}

/** Starts the workers. In sessions of their own (a fault) they are not waited for. Edge: spawns. */
export const startWorkers = (ranks: number, ownSession: boolean): WorkerPool => {
  const children = Array.from({ length: ranks }, () => spawnRole('worker', ownSession))
  const exits = children.map((child) => new Promise<number | null>((resolve) => child.once('exit', resolve)))
  const answer = (rank: number) =>
    new Promise<FromWorker>((resolve) => children[rank]?.once('message', (message) => resolve(message as FromWorker)))
  return {
    pids: children.flatMap((child) => child.pid ?? []),
    ask: (message) => {
      const answers = children.map((_, rank) => answer(rank))
      for (const [rank, child] of children.entries()) tell(child, typeof message === 'function' ? message(rank) : message)
      return Promise.all(answers)
    },
    died: Promise.race(exits.map(async (exit, rank) => ({ rank, code: await exit }))),
    close: async () => {
      for (const child of children) if (child.connected) child.disconnect()
      if (!ownSession) await Promise.all(exits)
    },
    kill: () => {
      if (ownSession) return
      for (const child of children) if (child.pid !== undefined) kill(child.pid)
    },
  }
}
