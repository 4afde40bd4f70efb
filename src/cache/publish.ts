import { readFile, readlink, rm, symlink, writeFile } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'
import { hasSize, makeDirectory, writeDurably } from './durable.ts'
import { manifestText, parseManifest, treeText } from './manifest.ts'
import { linkTarget, manifestPath, pinnedRef, refPath, snapshotFilePath, treePath } from './paths.ts'
import { mergePatterns } from './patterns.ts'
import type { Listing, RepoFile } from './types.ts'

/** What a pull has in place and now makes visible. */
export type Publication = {
  readonly cacheDir: string
  readonly listing: Listing
  readonly patterns: readonly string[]
  readonly wanted: readonly RepoFile[]
  readonly token: string
}

const readText = (path: string): Promise<string | undefined> => readFile(path, 'utf8').catch(() => undefined)

/** Whether the snapshot's entry already leads to the file's blob; a plain file of the right size is one that a cache without links has. */
const isLinked = async (entry: string, file: Pick<RepoFile, 'etag' | 'bytes'>): Promise<boolean> => {
  if (!(await hasSize(entry, file.bytes))) return false
  const target = await readlink(entry).catch(() => undefined)
  return target === undefined || basename(target) === file.etag
}

/** Makes a snapshot's entry lead to its file's blob, whatever stood there before. */
export const linkBlob = async (entry: string, file: Pick<RepoFile, 'path' | 'etag' | 'bytes'>): Promise<void> => {
  if (await isLinked(entry, file)) return
  await makeDirectory(dirname(entry))
  await rm(entry, { force: true })
  await symlink(linkTarget(file.path, file.etag), entry).catch(async (error: unknown) => {
    // Another pull of the same commit may have made the same link in between.
    if (!(await isLinked(entry, file))) throw error
  })
}

const writeWhenNew = async (path: string, text: string, token: string): Promise<void> => {
  if ((await readText(path)) !== text) await writeDurably(path, text, token)
}

const writeManifest = async ({ cacheDir, listing, patterns, token }: Publication): Promise<void> => {
  const path = manifestPath(cacheDir, listing.repo, listing.commit)
  const before = parseManifest((await readText(path)) ?? '')
  await writeWhenNew(path, manifestText(listing, before === undefined ? patterns : mergePatterns(before.patterns, patterns)), token)
}

const writeTree = async ({ cacheDir, listing, wanted, token }: Publication): Promise<void> => {
  const path = treePath(cacheDir, listing.repo, listing.commit)
  const text = treeText(listing)
  if (text === undefined || wanted.length < listing.files.length || (await readText(path)) !== undefined) return
  await writeDurably(path, text, token)
}

/**
 * Links, then our manifest, then huggingface_hub's listing (only of a whole snapshot), then the ref: readers believe a ref, so it comes
 * last. The ref is the commit without a newline, because huggingface_hub fails on one.
 */
export const publishSnapshot = async (publication: Publication): Promise<void> => {
  const { cacheDir, listing, wanted, token } = publication
  for (const file of wanted) await linkBlob(snapshotFilePath(cacheDir, listing.repo, listing.commit, file.path), file)
  await writeManifest(publication)
  await writeTree(publication)
  await writeWhenNew(refPath(cacheDir, listing.repo, listing.ref ?? pinnedRef(listing.commit)), listing.commit, token)
}

// The signature that backup programs look for, from the Cache Directory Tagging Specification.
const cacheTag = 'Signature: 8a477f597d28d172789f06886806bc55\n# A Hugging Face cache: what is in here can be downloaded again.\n'

/** Tells backup programs to leave the cache out, once; a failure to do so is no failure of the pull. */
export const tagCache = (cacheDir: string): Promise<void> =>
  writeFile(join(cacheDir, 'CACHEDIR.TAG'), cacheTag, { flag: 'wx' }).catch(() => {})
