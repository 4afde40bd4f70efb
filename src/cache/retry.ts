/** How a transfer insists. Times are milliseconds. */
export type Transfer = {
  /** Tries without progress before giving up. */
  readonly attempts: number
  /** First wait; doubles up to `capMs`. */
  readonly baseMs: number
  readonly capMs: number
  /** Total wait without progress, whoever asked for it. */
  readonly budgetMs: number
  /** Silence on a connection after which it counts as lost. */
  readonly idleMs: number
  /** Bytes that count as progress: a server that gives one byte per connection must not be asked for ever. */
  readonly progressBytes: number
  /** Smaller files are asked for whole: a cache in front of the Hub handles a range of a small text file badly. */
  readonly wholeBelowBytes: number
  /** Longest range asked for at once: storage hosts refuse one answer above some 50 GB. */
  readonly rangeBytes: number
}

/**
 * Six tries with waits of 1 to 8 s (huggingface_hub's), so that a hub that is down is reported within half a minute; in all at most
 * six minutes of waiting, because the Hub's rate limit works in windows of five.
 */
export const standardTransfer: Transfer = {
  attempts: 6,
  baseMs: 1000,
  capMs: 8000,
  budgetMs: 360_000,
  idleMs: 30_000,
  progressBytes: 1024 ** 2,
  wholeBelowBytes: 10 * 1024 ** 2,
  rangeBytes: 4 * 1024 ** 3,
}

/** Whether a status is one that may pass by itself. */
export const isTransient = (status: number): boolean => status === 408 || status === 429 || status >= 500

/** HTTP headers with lower-case names, as undici and node:http give them. */
export type HeaderFields = Readonly<Record<string, string | string[] | undefined>>

/** One header as text; repeated ones joined as HTTP allows. */
export const headerOf = (headers: HeaderFields, name: string): string | undefined => {
  const value = headers[name]
  return Array.isArray(value) ? value.join(', ') : value
}

/**
 * How long a server told us to wait, in milliseconds; undefined when it did not say. `RateLimit` (IETF draft 9: r left, t seconds to the
 * end of the window) counts only when nothing is left, with a second on top because t is rounded; else `Retry-After` in seconds.
 */
export const toldDelay = (headers: HeaderFields): number | undefined => {
  const limit = headerOf(headers, 'ratelimit')
  const window = /;\s*r=0\b/.test(limit ?? '') ? /;\s*t=(\d+)/.exec(limit ?? '')?.[1] : undefined
  if (window !== undefined) return (Number(window) + 1) * 1000
  const after = Number(headerOf(headers, 'retry-after'))
  return after > 0 ? after * 1000 : undefined
}

/** What retrying depends on: how often it failed in a row, how long we waited meanwhile, what the server told us. */
export type Patience = { readonly failed: number; readonly waitedMs: number; readonly toldMs: number | undefined }

/** The wait before the next try in milliseconds, or undefined to give up. `random` in [0, 1) spreads replicas that failed together. */
export const retryDelay = ({ failed, waitedMs, toldMs }: Patience, transfer: Transfer, random: number): number | undefined => {
  if (toldMs === undefined && failed >= transfer.attempts) return undefined
  const backoff = Math.min(transfer.capMs, transfer.baseMs * 2 ** (failed - 1)) * (0.5 + random / 2)
  const delay = toldMs ?? backoff
  return waitedMs + delay <= transfer.budgetMs ? delay : undefined
}
