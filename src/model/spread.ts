import type { Spread } from './overhead-table.ts'

/** A spread times a number. */
export const scale = ({ low, median, high }: Spread, by: number): Spread => ({ low: low * by, median: median * by, high: high * by })

/** A spread and so many bytes more. */
export const add = ({ low, median, high }: Spread, bytes: number): Spread => ({
  low: low + bytes,
  median: median + bytes,
  high: high + bytes,
})

/** Nothing but one value. */
export const exactly = (value: number): Spread => ({ low: value, median: value, high: value })
