/** Edge: reads a snapshot's blobs and says which are not what their names say. */
import { createReadStream } from 'node:fs'
import { readFile, rm, stat } from 'node:fs/promises'
import { type Checked, isRight, startDigest } from './digest.ts'
import { type HeldRepo, holdingsOf } from './inventory.ts'
import { parseManifest } from './manifest.ts'
import { blobPath, manifestPath } from './paths.ts'
import type { RepoFile } from './types.ts'

/** What is wrong with a revision: files that are absent or of the wrong size, and blobs with other bytes than their checksum says. */
export type Verdict = {
  readonly repo: string
  readonly commit: string
  readonly files: number
  readonly missing: readonly string[]
  readonly wrong: readonly string[]
  /** Blobs of which the hub that they came from knows no checksum, so that nothing can be said of their bytes. */
  readonly unknown: readonly string[]
}

const digestOf = async (path: string, checked: Checked): Promise<string> => {
  const digest = startDigest(checked)
  for await (const chunk of createReadStream(path, { highWaterMark: 1024 ** 2 })) digest.update(chunk as Buffer)
  return digest.digest('hex')
}

type Expected = Pick<RepoFile, 'etag' | 'algorithm' | 'sum' | 'partBytes'>

/** How each blob is checked: as its manifest says, else by its name, which is the checksum of what came from Hugging Face. */
const expectations = async (cacheDir: string, repo: string, commit: string): Promise<(etag: string) => Expected> => {
  const manifest = parseManifest(await readFile(manifestPath(cacheDir, repo, commit), 'utf8').catch(() => ''))
  const listed = new Map(manifest?.files.map((file) => [file.etag, file]))
  return (etag) => listed.get(etag) ?? { etag, algorithm: etag.length === 64 ? 'sha256' : 'git-sha1' }
}

const readBlobs = async (
  cacheDir: string,
  { repo, blobs }: HeldRepo,
  { commit, etags }: { readonly commit: string; readonly etags: readonly string[] },
  told: (bytes: number) => void,
): Promise<Pick<Verdict, 'wrong' | 'unknown'>> => {
  const found = { wrong: [] as string[], unknown: [] as string[] }
  const expected = await expectations(cacheDir, repo, commit)
  for (const { etag } of blobs.filter((blob) => etags.includes(blob.etag))) {
    const path = blobPath(cacheDir, repo, etag)
    const [{ size }, file] = [await stat(path), expected(etag)]
    if (file.algorithm === 'none') found.unknown.push(etag)
    else if (!isRight(file, await digestOf(path, { ...file, bytes: size }))) found.wrong.push(etag)
    told(size)
  }
  return found
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
    for (const { commit, files, missing, etags } of held.revisions) {
      const read = deep ? await readBlobs(cacheDir, held, { commit, etags }, told) : { wrong: [], unknown: [] }
      verdicts.push({ repo: held.repo, commit, files, missing, ...read })
    }
  }
  return verdicts
}

/** Removes blobs that are wrong, so that the next pull fetches them again; an engine that has one open keeps what it has. */
export const removeWrong = async (cacheDir: string, { repo, wrong }: Verdict): Promise<void> => {
  for (const etag of wrong) await rm(blobPath(cacheDir, repo, etag), { force: true })
}
