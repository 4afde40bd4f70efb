/** The head of a safetensors file: eight bytes of length (little-endian), then JSON that names every tensor. */

import { isRecord, parseJson } from './json.ts'

/** Tensors of one name, format and shape; the experts of a layer are one, with `*` for their number. `bytes` are of all copies together. */
export type StoredTensor = {
  readonly name: string
  /** As the format spells it: `BF16`, `F8_E4M3`, `I32` ... */
  readonly dtype: string
  readonly shape: readonly number[]
  readonly copies: number
  readonly bytes: number
}

/** Bytes of the length before the header. */
export const prefixBytes = 8

/** The format's own limit of a header, bytes. */
const mostBytes = 100_000_000

/** Bytes of the header that follows, by a file's first eight; undefined for what is no safetensors file. */
export const headerBytesOf = (head: Uint8Array): number | undefined => {
  if (head.length < prefixBytes) return undefined
  const bytes = new DataView(head.buffer, head.byteOffset, prefixBytes).getBigUint64(0, true)
  return bytes >= 2n && bytes <= BigInt(mostBytes) ? Number(bytes) : undefined
}

type Entry = { readonly dtype: string; readonly shape: readonly number[]; readonly bytes: number }

const isNumbers = (value: unknown): value is number[] =>
  Array.isArray(value) && value.every((item) => Number.isSafeInteger(item) && item >= 0)

const entryOf = (value: unknown): Entry | undefined => {
  if (!isRecord(value) || typeof value.dtype !== 'string') return undefined
  const { dtype, shape, data_offsets: offsets } = value
  if (!isNumbers(shape) || !isNumbers(offsets) || offsets.length !== 2) return undefined
  const [start = 0, end = 0] = offsets
  return end < start ? undefined : { dtype, shape, bytes: end - start }
}

/** The tensors of a header's JSON; undefined where it is none. */
export const tensorsOfHeader = (text: string): readonly StoredTensor[] | undefined => {
  const header = parseJson(text)
  if (!isRecord(header)) return undefined
  const { __metadata__: _, ...named } = header
  const tensors: StoredTensor[] = []
  for (const [name, value] of Object.entries(named)) {
    const entry = entryOf(value)
    if (entry === undefined) return undefined
    tensors.push({ name, copies: 1, ...entry })
  }
  return together(tensors)
}

/** The same tensors with the experts of a layer as one: a large mixture names a hundred thousand. */
export const together = (tensors: readonly StoredTensor[]): readonly StoredTensor[] => {
  const found = new Map<string, { -readonly [K in keyof StoredTensor]: StoredTensor[K] }>()
  for (const tensor of tensors) {
    const name = tensor.name.replace(/\.experts\.\d+\./, '.experts.*.')
    const key = `${name} ${tensor.dtype} ${tensor.shape.join()}`
    const known = found.get(key)
    if (known === undefined) found.set(key, { ...tensor, name })
    else {
      known.copies += tensor.copies
      known.bytes += tensor.bytes
    }
  }
  return [...found.values()]
}

/** What `tensorsText` wrote; undefined where it is something else. */
export const parseTensors = (text: string): readonly StoredTensor[] | undefined => {
  const value = parseJson(text)
  if (!isRecord(value) || value.version !== 1 || !Array.isArray(value.tensors)) return undefined
  const tensors: unknown[] = value.tensors
  return tensors.every(isStored) ? tensors : undefined
}

const isStored = (value: unknown): value is StoredTensor =>
  isRecord(value) &&
  typeof value.name === 'string' &&
  typeof value.dtype === 'string' &&
  isNumbers(value.shape) &&
  isNumbers([value.copies, value.bytes])

/** The tensors of a model as a small document beside its snapshot. */
export const tensorsText = (tensors: readonly StoredTensor[]): string => `${JSON.stringify({ version: 1, tensors })}\n`
