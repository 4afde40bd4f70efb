import { isRecord } from '../std/json.ts'

/** Largest header that the safetensors library accepts, in bytes (`MAX_HEADER_SIZE`). */
export const maxHeaderBytes = 100_000_000

/** Bytes before the header: its length, little-endian. */
export const lengthBytes = 8

/** How long the header says it is, or why the file cannot be one of safetensors. */
export const headerLength = (start: Uint8Array, fileBytes: number): number | string => {
  if (start.byteLength < lengthBytes) return 'header too small'
  const length = new DataView(start.buffer, start.byteOffset).getBigUint64(0, true)
  if (length > BigInt(maxHeaderBytes)) return 'header too large'
  return Number(length) + lengthBytes > fileBytes ? 'invalid header length' : Number(length)
}

const dataEnd = (entry: unknown): number => {
  const offsets = isRecord(entry) ? entry.data_offsets : undefined
  return Array.isArray(offsets) && typeof offsets[1] === 'number' ? offsets[1] : 0
}

/** What is wrong with a file of `fileBytes` bytes that has this header; undefined when the tensors cover it exactly. */
export const headerProblem = (header: string, fileBytes: number): string | undefined => {
  const entries = parseHeader(header)
  if (entries === undefined) return 'invalid JSON in header'
  const end = Math.max(0, ...Object.values(entries).map(dataEnd))
  const covered = lengthBytes + Buffer.byteLength(header) + end
  return covered === fileBytes ? undefined : 'incomplete metadata, file not fully covered'
}

const parseHeader = (text: string): Record<string, unknown> | undefined => {
  try {
    const value: unknown = JSON.parse(text)
    return isRecord(value) ? value : undefined
  } catch {
    return undefined
  }
}
