/** KFD and DRM attribute files as text: `key value` lines, or one number. */
import type { FileSystem } from './file-system.ts'

/** A `key value` file: the decimal digits of its numbers, of which few are ever asked for, and how many lines were not understood. */
export type Properties = { readonly digits: ReadonlyMap<string, string>; readonly unreadable: number }

/** A file nothing could be read from. */
export const noProperties: Properties = { digits: new Map(), unreadable: 0 }

/**
 * Parses lines of `key value` with unsigned 64-bit decimals. Any order, any line end, unknown keys kept, a key given twice
 * keeps its last value. What does not look like that is counted, never thrown.
 */
export const parseProperties = (text: string): Properties => {
  const found = new Map<string, string>()
  let unreadable = 0
  for (const line of text.split('\n')) {
    const [, key, digits] = /^\s*(\w+)\s+(\d{1,20})\s*$/.exec(line) ?? []
    if (key !== undefined && digits !== undefined && (digits.length < 20 || digits <= largest)) found.set(key, digits)
    else if (line.trim() !== '') unreadable += 1
  }
  return { digits: found, unreadable }
}

/** 2^64 - 1. */
const largest = '18446744073709551615'

/** The number of a key; undefined when it is missing or beyond 2^53, where a Number would lie. */
export const numberOf = ({ digits }: Properties, key: string): number | undefined => {
  const value = Number(digits.get(key))
  return Number.isSafeInteger(value) ? value : undefined
}

/** The same, with 0 as undefined: for keys where the driver writes 0 for unknown. */
export const positiveOf = (properties: Properties, key: string): number | undefined => numberOf(properties, key) || undefined

/** A 64-bit id in decimal; undefined when missing or 0, which the driver writes for none. */
export const idOf = ({ digits }: Properties, key: string): string | undefined => digits.get(key)?.replace(/^0+/, '') || undefined

/** One whole number, decimal or with `0x`: the text of a single-value attribute file. */
export const parseInteger = (text: string): number | undefined => {
  const trimmed = text.trim()
  return /^(-?\d{1,20}|0x[\da-f]{1,16})$/i.test(trimmed) ? safeNumber(toBigInt(trimmed)) : undefined
}

/** The number in a single-value attribute file; undefined when it cannot be read or is none. */
export const readInteger = (fs: FileSystem, path: string): number | undefined => {
  const read = fs.readText(path)
  return read.ok ? parseInteger(read.value) : undefined
}

/** A size or count; undefined for what is below 0. */
export const notNegative = (value: number | undefined): number | undefined => (value !== undefined && value >= 0 ? value : undefined)

const toBigInt = (text: string): bigint => (text.startsWith('-') ? -BigInt(text.slice(1)) : BigInt(text))

const safeNumber = (value: bigint | undefined): number | undefined =>
  value !== undefined && value <= BigInt(Number.MAX_SAFE_INTEGER) && value >= BigInt(Number.MIN_SAFE_INTEGER) ? Number(value) : undefined
