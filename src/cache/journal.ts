import { isRecord, parseJson } from '../std/json.ts'
import type { Span } from './spans.ts'
import type { RepoFile } from './types.ts'

const version = 1

/** `.aim/parts/<etag>.<token>.json` as it is stored: which bytes of the part were on the disk when it was written. */
export const journalText = ({ etag, bytes }: Pick<RepoFile, 'etag' | 'bytes'>, spans: readonly Span[]): string =>
  `${JSON.stringify({ version, etag, bytes, spans })}\n`

const isSpan = (value: unknown, bytes: number): value is Span =>
  Array.isArray(value) &&
  value.length === 2 &&
  value.every(Number.isSafeInteger) &&
  value[0] >= 0 &&
  value[0] < value[1] &&
  value[1] <= bytes

/** The spans of a journal, in order; empty when it is not one of ours about this file, so that nothing is trusted. */
export const parseJournal = (text: string, { etag, bytes }: Pick<RepoFile, 'etag' | 'bytes'>): readonly Span[] => {
  const value = parseJson(text)
  if (!isRecord(value) || value.version !== version || value.etag !== etag || value.bytes !== bytes || !Array.isArray(value.spans))
    return []
  const spans = value.spans.filter((span) => isSpan(span, bytes))
  return spans.length === value.spans.length ? spans : []
}

/** New bytes after which a journal is written again: a hundredth of the file, so that a kill costs no more, within reason for the disk. */
export const checkpointBytes = (bytes: number): number => Math.min(128 * 1024 ** 2, Math.max(512 * 1024, Math.ceil(bytes / 100)))
