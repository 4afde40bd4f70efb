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

/** Decides after each failed try: waits, or throws what is final. `progress` forgets the tries so far. */
export const insist = (transfer: Transfer, signal?: AbortSignal) => {
  const spent = { failed: 0, waitedMs: 0 }
  const progress = (): void => {
    spent.failed = 0
    spent.waitedMs = 0
  }
  const failed = async (error: unknown): Promise<void> => {
    if (signal?.aborted) throw abortError(signal)
    if (!(error instanceof Interruption)) throw error
    spent.failed++
    const delay = retryDelay({ ...spent, toldMs: error.trouble.toldMs }, transfer, Math.random())
    if (delay === undefined) throw exhausted(error.trouble.failure, spent.failed)
    spent.waitedMs += delay
    await sleep(delay, undefined, signal && { signal })
  }
  return { progress, failed }
}
