/** Edge: what a cache holds, read from the cache alone. */
import { type Dirent, lstatSync, readdirSync, readFileSync, readlinkSync, type Stats, statSync } from 'node:fs'
import { basename, join } from 'node:path'
import { locate } from './locate.ts'
import { isCommit, isEtag, repoOfFolder } from './paths.ts'

/** One blob: its own bytes on the disk, and when it was last read as far as the file system notes it; milliseconds since 1970. */
export type HeldBlob = { readonly etag: string; readonly bytes: number; readonly usedMs: number; readonly shared: boolean }

/** One snapshot. `bytes` counts blobs that other revisions have too. */
export type HeldRevision = {
  readonly commit: string
  readonly refs: readonly string[]
  readonly path: string
  readonly files: number
  readonly bytes: number
  readonly missing: readonly string[]
  readonly etags: readonly string[]
  readonly usedMs: number
}

/** One repository. `parts` are bytes of downloads that are not finished. */
export type HeldRepo = {
  readonly repo: string
  readonly folder: string
  readonly bytes: number
  readonly parts: number
  readonly blobs: readonly HeldBlob[]
  readonly revisions: readonly HeldRevision[]
}

/** What `read` gives, or `otherwise` where the file system refuses: others may change the cache at any time. */
export const attempt = <T>(read: () => T, otherwise: T): T => {
  try {
    return read()
  } catch {
    return otherwise
  }
}

/** The entries of a directory; none where it cannot be read. */
export const entriesOf = (directory: string): readonly Dirent[] => attempt(() => readdirSync(directory, { withFileTypes: true }), [])
const statOf = (path: string): Stats | undefined => attempt(() => statSync(path), undefined)

const filesBelow = (root: string, prefix = ''): readonly string[] =>
  entriesOf(join(root, prefix)).flatMap((entry) => {
    const path = prefix === '' ? entry.name : `${prefix}/${entry.name}`
    return entry.isDirectory() ? filesBelow(root, path) : [path]
  })

const blobsOf = (folder: string): readonly HeldBlob[] =>
  entriesOf(join(folder, 'blobs'))
    .filter(({ name }) => isEtag(name))
    .flatMap(({ name }) => {
      const path = join(folder, 'blobs', name)
      const stats = statOf(path)
      const shared = attempt(() => lstatSync(path).isSymbolicLink(), false)
      return stats === undefined
        ? []
        : [{ etag: name, bytes: shared ? 0 : stats.size, usedMs: Math.max(stats.atimeMs, stats.mtimeMs), shared }]
    })

const refsOf = (folder: string): ReadonlyMap<string, readonly string[]> => {
  const refs = new Map<string, string[]>()
  for (const name of filesBelow(join(folder, 'refs'))) {
    const commit = attempt(() => readFileSync(join(folder, 'refs', name), 'utf8'), '').trim()
    refs.set(commit, [...(refs.get(commit) ?? []), name])
  }
  return refs
}

const etagOf = (path: string): string => basename(attempt(() => readlinkSync(path), ''))

const revisionsOf = (cacheDir: string, repo: string, folder: string, blobs: readonly HeldBlob[]): readonly HeldRevision[] => {
  const refs = refsOf(folder)
  const used = new Map(blobs.map((blob) => [blob.etag, blob.usedMs]))
  return entriesOf(join(folder, 'snapshots'))
    .filter((entry) => entry.isDirectory() && isCommit(entry.name))
    .map(({ name: commit }) => {
      const path = join(folder, 'snapshots', commit)
      const files = filesBelow(path)
      const etags = files.map((file) => etagOf(join(path, file))).filter(isEtag)
      const bytes = files.reduce((sum, file) => sum + (statOf(join(path, file))?.size ?? 0), 0)
      const usedMs = Math.max(statOf(path)?.mtimeMs ?? 0, ...etags.map((etag) => used.get(etag) ?? 0))
      return {
        commit,
        refs: refs.get(commit) ?? [],
        path,
        files: files.length,
        bytes,
        missing: locate(cacheDir, repo, commit)?.missing ?? [],
        etags,
        usedMs,
      }
    })
}

const partsOf = (folder: string): number =>
  entriesOf(join(folder, 'blobs'))
    .filter(({ name }) => name.endsWith('.aim-part'))
    .reduce((sum, { name }) => sum + 512 * (statOf(join(folder, 'blobs', name))?.blocks ?? 0), 0)

/** Every model repository of a cache, by name; empty when there is no cache. Reads no content. */
export const holdingsOf = (cacheDir: string): readonly HeldRepo[] =>
  entriesOf(cacheDir)
    .filter((entry) => entry.isDirectory())
    .flatMap(({ name }) => {
      const repo = repoOfFolder(name)
      return repo === undefined ? [] : [{ name, repo }]
    })
    .map(({ name, repo }) => {
      const folder = join(cacheDir, name)
      const blobs = blobsOf(folder)
      const bytes = blobs.reduce((sum, blob) => sum + blob.bytes, 0)
      return { repo, folder, bytes, parts: partsOf(folder), blobs, revisions: revisionsOf(cacheDir, repo, folder, blobs) }
    })
