import { formatBytes } from './bytes.ts'
import { formatDuration } from './duration.ts'

/** How far a transfer is, at a moment of a clock that never goes back. */
export type Reading = { readonly ms: number; readonly done: number; readonly total: number }

/** Readings of the last seconds, the oldest first: the rate is taken over them, so that it follows the link and does not tremble. */
export const keepReadings = (readings: readonly Reading[], next: Reading, spanMs = 10_000): readonly Reading[] => [
  ...readings.filter(({ ms, done }) => next.ms - ms <= spanMs && done <= next.done),
  next,
]

/** Bytes per second over the readings; undefined while there is nothing to tell it from. */
export const rateOf = (readings: readonly Reading[]): number | undefined => {
  const [first, last] = [readings[0], readings.at(-1)]
  if (first === undefined || last === undefined || last.ms - first.ms < 500) return undefined
  return ((last.done - first.done) * 1000) / (last.ms - first.ms)
}

/** `42 % 4.2 GiB of 10 GiB, 310 MiB/s, 19s left`; the rate and what is left only where they are known. */
export const describeReadings = (readings: readonly Reading[]): string => {
  const { done, total } = readings.at(-1) ?? { done: 0, total: 0 }
  const rate = rateOf(readings)
  const parts = [`${total === 0 ? 100 : Math.floor((100 * done) / total)} % ${formatBytes(done)} of ${formatBytes(total)}`]
  if (rate !== undefined) parts.push(`${formatBytes(Math.round(rate))}/s`)
  if (rate !== undefined && rate > 0 && done < total) parts.push(`${formatDuration(((total - done) / rate) * 1000)} left`)
  return parts.join(', ')
}

/** A bar of `width` characters. */
export const bar = (done: number, total: number, width: number): string => {
  const full = total === 0 ? width : Math.floor((width * done) / total)
  return `[${'#'.repeat(full)}${' '.repeat(width - full)}]`
}
