/** Edge: the private file that a blob is fetched into, and the journal from which another process goes on with it. */
import { type FileHandle, open, readdir, readFile, rename, stat } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'
import { createFile, discard, hasSize, openNew, partPath, publish } from './durable.ts'
import { journalText, parseJournal } from './journal.ts'
import { bootId } from './owner.ts'
import { blobPath, journalPath } from './paths.ts'
import { type Span, spanBytes } from './spans.ts'
import type { RepoFile } from './types.ts'

/** Which blob, and whose part it is. */
export type PartName = { readonly cacheDir: string; readonly repo: string; readonly file: RepoFile; readonly token: string }

/** A part that is open for its one writer. */
export type Part = {
  readonly fd: number
  /** Bytes that were there already: of a process that ended before it was done. */
  readonly spans: readonly Span[]
  /** Notes in the journal that these spans are written. */
  readonly note: (spans: readonly Span[]) => Promise<void>
  /** Makes sure that these spans, which are written, are on the disk; the next note says so. */
  readonly sync: (spans: readonly Span[]) => Promise<void>
  /** Gives the verified part its final name; where it is there already, somebody was faster. */
  readonly publish: () => Promise<void>
  /** Leaves the part for who comes next, noted in a journal, unless another has taken it already. */
  readonly keep: (spans: readonly Span[]) => Promise<void>
  /** Removes part and journal. */
  readonly discard: () => Promise<void>
  readonly close: () => Promise<void>
}

const journalsOf = async ({ cacheDir, repo, file, token }: PartName): Promise<readonly string[]> => {
  const directory = dirname(journalPath(cacheDir, repo, file.etag, token))
  const names = await readdir(directory).catch(() => [])
  return names.filter((name) => name.startsWith(`${file.etag}.`) && name.endsWith('.json')).map((name) => join(directory, name))
}

const partOf = ({ cacheDir, repo, file }: PartName, journal: string): string =>
  partPath(blobPath(cacheDir, repo, file.etag), basename(journal).split('.')[1] ?? '')

type Left = { readonly journal: string; readonly part: string; readonly spans: readonly Span[] }

/** What earlier writers left of this blob, the longest first; a part counts only with a journal and in its full length. */
const leftovers = async (name: PartName): Promise<readonly Left[]> => {
  const found = await Promise.all(
    (await journalsOf(name)).map(async (journal) => {
      const part = partOf(name, journal)
      const spans = parseJournal(await readFile(journal, 'utf8').catch(() => ''), name.file, bootId())
      return { journal, part, spans: (await hasSize(part, name.file.bytes)) ? spans : [] }
    }),
  )
  return found.toSorted((a, b) => spanBytes(b.spans) - spanBytes(a.spans))
}

const removeLeft = async (left: Left): Promise<void> => {
  await discard(left.part)
  await discard(left.journal)
}

/** Makes another's part ours: our journal first, so that a kill in between loses nothing. */
const adopt = async (name: PartName, path: string): Promise<readonly Span[]> => {
  const [best, ...others] = await leftovers(name)
  for (const left of others) await removeLeft(left)
  if (best === undefined) return []
  if (best.spans.length === 0) return removeLeft(best).then(() => [])
  await writeJournal(name, best.spans, [])
  await rename(best.part, path)
  await discard(best.journal)
  return best.spans
}

const writeJournal = async (
  { cacheDir, repo, file, token }: PartName,
  written: readonly Span[],
  synced: readonly Span[],
): Promise<void> => {
  const target = journalPath(cacheDir, repo, file.etag, token)
  const draft = `${target}.tmp`
  await discard(draft)
  try {
    await createFile(draft, (handle) => handle.writeFile(journalText(file, { synced, written, boot: bootId() })), false)
    await rename(draft, target)
  } catch (error) {
    await discard(draft)
    throw error
  }
}

const create = async (path: string, bytes: number): Promise<FileHandle> => {
  let handle: FileHandle | undefined
  try {
    handle = await openNew(path)
    // In full length from the start: what cannot hold so long a file says so before the first byte.
    await handle.truncate(bytes)
    return handle
  } catch (error) {
    await handle?.close()
    await discard(path)
    throw error
  }
}

/** Opens the part of a blob whose lease we hold: one that an earlier holder left, else a new one. */
export const openPart = async (name: PartName): Promise<Part> => {
  const { cacheDir, repo, file, token } = name
  const target = blobPath(cacheDir, repo, file.etag)
  const path = partPath(target, token)
  const journal = journalPath(cacheDir, repo, file.etag, token)
  const adopted = await adopt(name, path)
  const handle = adopted.length > 0 ? await open(path, 'r+') : await create(path, file.bytes)
  let synced: readonly Span[] = []
  const note = (spans: readonly Span[]): Promise<void> => writeJournal(name, spans, synced)
  const remove = async (): Promise<void> => {
    await discard(path)
    await discard(journal)
  }
  return {
    fd: handle.fd,
    spans: adopted,
    note,
    sync: async (spans) => {
      await handle.datasync()
      synced = spans
    },
    publish: async () => {
      await handle.sync()
      if (!(await hasSize(target, file.bytes))) await publish(path, target, file.bytes)
      await remove()
    },
    keep: async (spans) => {
      await note(spans)
      if (!(await hasSize(path, file.bytes))) await discard(journal)
    },
    discard: remove,
    close: () => handle.close(),
  }
}

/** Bytes on the disk in parts of these files, whoever writes them: they need no room any more. */
export const allocatedBytes = async (blobs: string, files: readonly RepoFile[]): Promise<number> => {
  const etags = new Set(files.map(({ etag }) => etag))
  const names = (await readdir(blobs)).filter((name) => name.endsWith('.aim-part') && etags.has(name.split('.')[0] ?? ''))
  const blocks = await Promise.all(names.map(async (name) => (await stat(join(blobs, name)).catch(() => undefined))?.blocks ?? 0))
  return blocks.reduce((sum, count) => sum + 512 * count, 0)
}
