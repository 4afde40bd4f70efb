import { isRecord, parseJson } from '../std/json.ts'
import type { Span } from './spans.ts'
import type { RepoFile } from './types.ts'

const version = 1

/** What a journal says of a part. */
export type Noted = {
  /** Bytes that are on the disk, come what may. */
  readonly synced: readonly Span[]
  /** Bytes that were written: good as long as the machine that wrote them has not been started again. */
  readonly written: readonly Span[]
  /** The boot of that machine. */
  readonly boot: string
}

/** `.aim/parts/<etag>.<token>.json` as it is stored. */
export const journalText = ({ etag, bytes }: Pick<RepoFile, 'etag' | 'bytes'>, noted: Noted): string =>
  `${JSON.stringify({ version, etag, bytes, ...noted })}\n`

const isSpan = (value: unknown, bytes: number): value is Span =>
  Array.isArray(value) &&
  value.length === 2 &&
  value.every(Number.isSafeInteger) &&
  value[0] >= 0 &&
  value[0] < value[1] &&
  value[1] <= bytes

const spansOf = (value: unknown, bytes: number): readonly Span[] =>
  Array.isArray(value) && value.every((span) => isSpan(span, bytes)) ? (value as readonly Span[]) : []

/**
 * The bytes of a part that can be trusted on a machine of this boot, in order; none when the journal is not one of ours about this file. Who
 * trusts too much loses a download and no more: the checksum has the last word.
 */
export const parseJournal = (text: string, { etag, bytes }: Pick<RepoFile, 'etag' | 'bytes'>, boot: string): readonly Span[] => {
  const value = parseJson(text)
  if (!isRecord(value) || value.version !== version || value.etag !== etag || value.bytes !== bytes) return []
  return spansOf(value.boot === boot && boot !== '' ? value.written : value.synced, bytes)
}

/** New bytes after which a journal is written again: a hundredth of the file, so that a kill costs no more, within reason for the disk. */
export const checkpointBytes = (bytes: number): number => Math.min(128 * 1024 ** 2, Math.max(512 * 1024, Math.ceil(bytes / 100)))
