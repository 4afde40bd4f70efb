/** Edge: reads a snapshot's blobs and says which are not what their names say. */
import { createReadStream } from 'node:fs'
import { rm, stat } from 'node:fs/promises'
import { startDigest } from './digest.ts'
import { type HeldRepo, holdingsOf } from './inventory.ts'
import { blobPath } from './paths.ts'

/** What is wrong with a revision: files that are absent or of the wrong size, and blobs with other bytes than their checksum says. */
export type Verdict = {
  readonly repo: string
  readonly commit: string
  readonly files: number
  readonly missing: readonly string[]
  readonly wrong: readonly string[]
}

const digestOf = async (path: string, etag: string, bytes: number): Promise<string> => {
  const digest = startDigest({ algorithm: etag.length === 64 ? 'sha256' : 'git-sha1', bytes })
  for await (const chunk of createReadStream(path, { highWaterMark: 1024 ** 2 })) digest.update(chunk as Buffer)
  return digest.digest('hex')
}

const wrongBlobs = async (
  cacheDir: string,
  { repo, blobs }: HeldRepo,
  etags: readonly string[],
  told: (bytes: number) => void,
): Promise<readonly string[]> => {
  const wrong: string[] = []
  for (const { etag } of blobs.filter((blob) => etags.includes(blob.etag))) {
    const path = blobPath(cacheDir, repo, etag)
    const { size } = await stat(path)
    if ((await digestOf(path, etag, size)) !== etag) wrong.push(etag)
    told(size)
  }
  return wrong
}

/** Checks revisions of one repository or of all; `deep` reads every byte. `told` hears how many. */
export const verify = async (
  cacheDir: string,
  repo: string | undefined,
  deep: boolean,
  told: (bytes: number) => void,
): Promise<readonly Verdict[]> => {
  const verdicts: Verdict[] = []
  for (const held of holdingsOf(cacheDir).filter((one) => repo === undefined || one.repo === repo)) {
    for (const { commit, files, missing, etags } of held.revisions)
      verdicts.push({ repo: held.repo, commit, files, missing, wrong: deep ? await wrongBlobs(cacheDir, held, etags, told) : [] })
  }
  return verdicts
}

/** Removes blobs that are wrong, so that the next pull fetches them again; an engine that has one open keeps what it has. */
export const removeWrong = async (cacheDir: string, { repo, wrong }: Verdict): Promise<void> => {
  for (const etag of wrong) await rm(blobPath(cacheDir, repo, etag), { force: true })
}
