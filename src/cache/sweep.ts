/** Edge: what dead processes left of a pull that is now complete. Only names of ours are touched, and what a living writer loses by it, it makes again. */
import { readdir, stat } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { discard } from './durable.ts'
import { blobPath, claimsPath, journalPath, manifestPath, refPath, tensorsPath, treePath } from './paths.ts'
import type { Listing, RepoFile } from './types.ts'

const namesIn = (directory: string): Promise<readonly string[]> => readdir(directory).catch(() => [])

const sweepNames = async (directory: string, isOurs: (name: string) => boolean): Promise<void> => {
  for (const name of await namesIn(directory)) if (isOurs(name)) await discard(join(directory, name))
}

/** A claim on what is published is over. A claimant's own link that is the last one to its record claims nothing any more; so does a grave. */
const sweepClaims = async (directory: string, isOver: (name: string) => boolean): Promise<void> => {
  // Graves first: each is one more link to the record of a claimant.
  await sweepNames(directory, (name) => isOver(name) || name.startsWith('.g.'))
  for (const name of await namesIn(directory)) {
    if (!name.startsWith('.')) continue
    const path = join(directory, name)
    if ((await stat(path).catch(() => undefined))?.nlink === 1) await discard(path)
  }
}

/** What nobody works on any more once no lease on a blob lives: journals whose part is gone, and what is left of leases. Never throws. */
export const sweepIdle = async (cacheDir: string, repo: string): Promise<void> => {
  const some = '0'.repeat(40)
  const parts = new Set((await namesIn(dirname(blobPath(cacheDir, repo, some)))).filter((name) => name.endsWith('.aim-part')))
  const partOf = (journal: string): string => journal.replace(/\.json(?:\.tmp)?$/, '.aim-part')
  await sweepNames(dirname(journalPath(cacheDir, repo, some, '')), (name) => !parts.has(partOf(name)))
  await sweepClaims(claimsPath(cacheDir, repo), () => false)
}

/** Removes parts and journals of blobs that are published, drafts of lists and refs, and what is left of leases. Never throws. */
export const sweep = async (cacheDir: string, { repo, commit, ref = 'main' }: Listing, published: readonly RepoFile[]): Promise<void> => {
  const etags = new Set(published.map(({ etag }) => etag))
  const ofPublished = (name: string): boolean => etags.has(name.split('.')[0] ?? '')
  const isDraft = (name: string): boolean => name.endsWith('.aim-part')
  const etag = published[0]?.etag ?? '0'.repeat(40)
  await sweepNames(dirname(blobPath(cacheDir, repo, etag)), (name) => isDraft(name) && ofPublished(name))
  await sweepNames(dirname(journalPath(cacheDir, repo, etag, '')), ofPublished)
  const lists = [manifestPath, tensorsPath, treePath].map((pathOf) => pathOf(cacheDir, repo, commit))
  for (const path of [...lists, refPath(cacheDir, repo, ref)]) await sweepNames(dirname(path), isDraft)
  await sweepClaims(claimsPath(cacheDir, repo), ofPublished)
}
