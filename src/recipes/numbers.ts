import type { Json } from '../std/json.ts'

const factors: Readonly<Record<string, number>> = { k: 1e3, m: 1e6, g: 1e9, t: 1e12, K: 2 ** 10, M: 2 ** 20, G: 2 ** 30, T: 2 ** 40 }

/** A whole number as vLLM reads one: `32768`, `32k` (decimal), `32K` (binary); undefined for anything else (`auto`, -1, a list). */
export const wholeNumber = (value: Json | undefined): number | undefined => {
  if (typeof value === 'number') return Number.isSafeInteger(value) && value >= 0 ? value : undefined
  const match = typeof value === 'string' ? /^(\d+(?:\.\d+)?)([kmgtKMGT])?$/.exec(value.trim()) : null
  if (match === null) return undefined
  const amount = Number(match[1]) * (factors[match[2] ?? ''] ?? 1)
  return Number.isSafeInteger(amount) ? amount : undefined
}

/** A number, given as one or as its digits. */
export const decimal = (value: Json | undefined): number | undefined => {
  const amount = typeof value === 'string' && value.trim() !== '' ? Number(value) : value
  return typeof amount === 'number' && Number.isFinite(amount) ? amount : undefined
}
