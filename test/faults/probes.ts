import { setTimeout as delay } from 'node:timers/promises'
import type { Status } from '../../src/ops/status.ts'
import { get } from '../stage/aim.ts'

/** What was seen of a container from outside, all the time. */
export type Seen = {
  /** Distinct answers of the three probes in their order, as words of `Row.probes`. */
  readonly answers: string[]
  /** Every reason that /status gave. */
  readonly reasons: Set<string>
  /** Highest count of restarts. */
  restarts: number
  /** Answers that contradict each other. */
  readonly lies: string[]
}

/** Beginning of a watch that lasts until it is told to stop. */
export type Watch = { readonly seen: Seen; readonly stop: () => Promise<void> }

/** startupz, livez and readyz together; any other three have no word. */
const words: Readonly<Record<string, string>> = {
  '503 200 503': 'loading',
  '200 200 200': 'ready',
  '200 200 503': 'down',
  '200 503 503': 'stalled',
  '503 503 503': 'over',
}

/** One look; undefined when the state changed while it was taken, or nobody listens (yet, or any more). */
const look = async (ops: string): Promise<{ readonly answer: string; readonly state: string } | undefined> => {
  try {
    const replies = await Promise.all(['/startupz', '/livez', '/readyz'].map((path) => get(`${ops}${path}`)))
    const [state, ...others] = replies.map(({ body }) => (JSON.parse(body) as Status).state)
    const codes = replies.map(({ status }) => status).join(' ')
    return state === undefined || others.some((other) => other !== state) ? undefined : { answer: words[codes] ?? codes, state }
  } catch (error) {
    // A listener that takes the connection and says nothing is a probe that failed; one that is not there is a container that begins or ends.
    return (error as Error).name === 'TimeoutError' ? { answer: 'mute', state: '' } : undefined
  }
}

/** Looks again and again, every 20 ms or so. */
export const watchProbes = (ops: string): Watch => {
  const seen: Seen = { answers: [], reasons: new Set(), restarts: 0, lies: [] }
  const stop = new AbortController()
  const once = async (): Promise<void> => {
    const looked = await look(ops)
    // Until the first answer the process itself is still being loaded, which may take its time on a busy machine.
    if (looked === undefined || (looked.answer === 'mute' && seen.answers.length === 0)) return
    if (seen.answers.at(-1) !== looked.answer) seen.answers.push(looked.answer)
    const { state, reason, restarts } = JSON.parse((await get(`${ops}/status`)).body) as Status
    if (reason !== '') seen.reasons.add(reason)
    seen.restarts = Math.max(seen.restarts, restarts)
    if (looked.answer === 'ready' && looked.state !== 'ready') seen.lies.push(`ready in state ${looked.state}, then ${state}`)
  }
  const loop = async (): Promise<void> => {
    while (!stop.signal.aborted) {
      await once().catch(() => undefined)
      await delay(20)
    }
  }
  const looping = loop()
  return {
    seen,
    stop: () => {
      stop.abort()
      return looping
    },
  }
}

/** Whether these answers are those of the pattern; the last moment before the end, when everything says 503, counts for nothing. */
export const follows = (answers: readonly string[], pattern: string): boolean => {
  const expected = pattern
    .split(' ')
    .filter((word) => word !== '')
    .map((word) => (word.startsWith('(') ? `(?:${word.slice(1, -1)} )?` : `${word} `))
  const given = answers.at(-1) === 'over' ? answers.slice(0, -1) : answers
  return new RegExp(`^${expected.join('')}$`).test(given.map((word) => `${word} `).join(''))
}
