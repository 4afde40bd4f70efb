import { setTimeout as sleep } from 'node:timers/promises'
import { Failure } from '../std/failure.ts'
import type { Trouble } from './errors.ts'
import { retryDelay, type Transfer } from './retry.ts'

/** Thrown within the room for what may pass; `insist` turns it into its Failure when patience is over. */
export class Interruption extends Error {
  readonly trouble: Trouble

  constructor(trouble: Trouble) {
    super(trouble.failure.message)
    this.trouble = trouble
  }
}

/** What an aborted call throws: an AbortError, with the reason that the signal was given as its cause. */
export const abortError = (signal: AbortSignal): DOMException => new DOMException('aborted', { name: 'AbortError', cause: signal.reason })

const exhausted = ({ message, exitCode, fix, cause }: Failure, failed: number): Failure =>
  new Failure(`${message}; gave up after ${failed} ${failed === 1 ? 'try' : 'tries'}`, {
    exitCode,
    cause,
    ...(fix !== undefined && { fix }),
  })

/** Decides after failed tries; several at once may ask, and those that fail while one waits wait with it and count as one. */
export type Insistence = {
  /** Forgets the tries so far. */
  readonly progress: () => void
  /** Waits, or throws what is final. */
  readonly failed: (error: unknown) => Promise<void>
}

/** Begins with no failed try. */
export const insist = (transfer: Transfer, signal?: AbortSignal): Insistence => {
  const spent = { failed: 0, waitedMs: 0 }
  let waiting: Promise<void> | undefined
  const wait = async ({ failure, toldMs }: Trouble): Promise<void> => {
    spent.failed++
    const delay = retryDelay({ ...spent, toldMs }, transfer, Math.random())
    if (delay === undefined) throw exhausted(failure, spent.failed)
    spent.waitedMs += delay
    await sleep(delay, undefined, signal && { signal })
  }
  return {
    progress: () => {
      spent.failed = 0
      spent.waitedMs = 0
    },
    failed: async (error) => {
      if (signal?.aborted) throw abortError(signal)
      if (!(error instanceof Interruption)) throw error
      waiting ??= wait(error.trouble).finally(() => {
        waiting = undefined
      })
      await waiting
    },
  }
}
