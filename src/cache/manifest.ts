import { isRecord, parseJson } from '../std/json.ts'
import { isEtag, isRelativePath } from './paths.ts'
import type { Listing, RepoFile } from './types.ts'

const version = 1

/** What `.aim/done/<commit>.json` says: the whole listing of a commit, and which of it was asked for. Presence is never taken from here, only from stat. */
export type Manifest = {
  readonly version: typeof version
  readonly repo: string
  readonly commit: string
  /** What the pulls so far asked for; empty means every file. */
  readonly patterns: readonly string[]
  readonly files: readonly RepoFile[]
}

const isStrings = (value: unknown): value is string[] => Array.isArray(value) && value.every((entry) => typeof entry === 'string')

const isRepoFile = (value: unknown): value is RepoFile =>
  isRecord(value) &&
  typeof value.path === 'string' &&
  isRelativePath(value.path) &&
  Number.isSafeInteger(value.bytes) &&
  typeof value.etag === 'string' &&
  isEtag(value.etag)

/** The manifest as it is stored. */
export const manifestText = (listing: Listing, patterns: readonly string[]): string => {
  const manifest: Manifest = { version, repo: listing.repo, commit: listing.commit, patterns, files: listing.files }
  return `${JSON.stringify(manifest)}\n`
}

/** The manifest read back; undefined when it is not one of ours that we understand, which makes it as good as absent. */
export const parseManifest = (text: string): Manifest | undefined => {
  const value = parseJson(text)
  if (!isRecord(value) || value.version !== version || !isStrings(value.patterns)) return undefined
  const { files, repo, commit, patterns } = value
  if (typeof repo !== 'string' || typeof commit !== 'string' || !Array.isArray(files) || !files.every(isRepoFile)) return undefined
  return { version, repo, commit, patterns, files }
}

// Another hub's files have no git id: huggingface_hub's list is for its own.
const treeEntry = (file: RepoFile): Record<string, unknown> | undefined => {
  if (file.algorithm === 'git-sha1') return { size: file.bytes, blob_id: file.etag }
  return file.pointer === undefined ? undefined : { size: file.bytes, blob_id: file.pointer, lfs_sha256: file.etag, lfs_size: file.bytes }
}

/**
 * `trees/<commit>.json` as huggingface_hub 1.33 and 2.0 read it (format 1; keys sorted as they do). Undefined when the listing
 * did not say the git id of an LFS pointer, which that format demands.
 */
export const treeText = (listing: Listing): string | undefined => {
  const entries = listing.files.map((file) => [file.path, treeEntry(file)] as const)
  if (entries.some(([, entry]) => entry === undefined)) return undefined
  const files = Object.fromEntries(entries.toSorted(([a], [b]) => (a < b ? -1 : 1)))
  return JSON.stringify({ format_version: 1, files })
}

/** Names and sizes of huggingface_hub's `trees/<commit>.json`; undefined when it is absent in all but name. */
export const parseTree = (text: string): readonly { readonly path: string; readonly bytes: number }[] | undefined => {
  const value = parseJson(text)
  if (!isRecord(value) || value.format_version !== 1 || !isRecord(value.files)) return undefined
  const files = Object.entries(value.files).map(([path, entry]) => ({
    path,
    bytes: isRecord(entry) ? Number(entry.size) : Number.NaN,
  }))
  return files.every(({ path, bytes }) => isRelativePath(path) && Number.isSafeInteger(bytes)) ? files : undefined
}
