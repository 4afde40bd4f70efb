import { type HeaderFields, headerOf } from './retry.ts'

/** Where the bytes of an answer begin in their file: a 200 is the whole file, whatever was asked for; undefined for a 206 that does not say. */
export const positionOf = ({ status, headers }: { readonly status: number; readonly headers: HeaderFields }): number | undefined => {
  if (status !== 206) return 0
  const range = /^bytes (\d+)-/.exec(headerOf(headers, 'content-range') ?? '')
  return range === null ? undefined : Number(range[1])
}

/**
 * Bytes of one range: a 64th of the file, so that many connections find work in it, but long enough that the pause between two requests
 * (20 ms of latency and more) is small beside it, and far below the 50 GB above which storage hosts refuse one answer.
 */
export const rangeBytes = (bytes: number, most: number): number =>
  Math.min(most, 64 * 1024 ** 2, Math.max(8 * 1024 ** 2, Math.ceil(bytes / 64)))
