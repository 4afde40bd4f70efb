/** Edge: a snapshot as a tar stream and back, by the system's tar: for networks without a hub, and for backup. */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync } from 'node:fs'
import { mkdir, readFile, readlink, rename, rm } from 'node:fs/promises'
import { basename, dirname, join, relative } from 'node:path'
import type { Readable, Writable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { exitCodes } from '../std/exit-codes.ts'
import { Failure } from '../std/failure.ts'
import { hasSize, makeDirectory, newToken, writeDurably } from './durable.ts'
import { type HeldRepo, type HeldRevision, holdingsOf } from './inventory.ts'
import { snapshotFiles } from './locate.ts'
import { parseManifest, parseTree } from './manifest.ts'
import { blobPath, isEtag, isRelativePath, isRevision, linkTarget, manifestPath, refPath, snapshotFilePath, treePath } from './paths.ts'
import { linkBlob } from './publish.ts'
import { verify } from './verify.ts'

const tarFailed = (what: string, said: string): Failure =>
  new Failure(`cannot ${what}: tar says ${said.trim() || 'nothing'}`, {
    exitCode: exitCodes.storage,
    fix: 'check the stream and the volume',
  })

/** Resolves when the stream has passed on all that it was given: the caller may end the process, and what a pipe has not taken yet would be lost. */
const drained = (output: Writable): Promise<void> =>
  new Promise((resolve, reject) => {
    output.write('', (error) => (error ? reject(error) : resolve()))
  })

/** Runs the system's tar to its end; a Failure (74) holds what it said. */
export const runTar = async (
  words: readonly string[],
  what: string,
  input: Readable | undefined,
  output: Writable | undefined,
): Promise<void> => {
  const child = spawn('tar', words, { stdio: [input === undefined ? 'ignore' : 'pipe', output === undefined ? 'ignore' : 'pipe', 'pipe'] })
  let said = ''
  child.stderr?.setEncoding('utf8').on('data', (text: string) => {
    said = (said + text).slice(-2000)
  })
  const ended = once(child, 'close')
  if (input !== undefined && child.stdin !== null) await pipeline(input, child.stdin).catch(() => {})
  if (output !== undefined && child.stdout !== null) {
    await pipeline(child.stdout, output, { end: false })
    await drained(output)
  }
  const [code] = (await ended) as [number | null]
  if (code !== 0) throw tarFailed(what, said)
}

/** Writes one revision: blobs first and the ref last, so that even a plain untar into a cache is in the right order. */
export const exportRevision = async (cacheDir: string, held: HeldRepo, revision: HeldRevision, output: Writable): Promise<void> => {
  const { folder, blobs, repo } = held
  const { commit, etags, refs } = revision
  const shared = blobs.filter(({ etag, shared: isShared }) => isShared && etags.includes(etag))
  if (shared.length > 0)
    throw new Failure(`cannot export ${repo}: ${shared.length} of its blobs lie in huggingface_hub's shared store`, {
      exitCode: exitCodes.config,
      fix: 'pull it anew with HF_HUB_DISABLE_SHARED_BLOBS=1, or copy the whole cache directory',
    })
  const lists = [manifestPath(cacheDir, repo, commit), treePath(cacheDir, repo, commit)].filter((path) => existsSync(path))
  const members = [
    ...[...new Set(etags)].map((etag) => blobPath(cacheDir, repo, etag)),
    revision.path,
    ...lists,
    ...refs.map((ref) => join(folder, 'refs', ref)),
  ]
  await runTar(['-C', cacheDir, '-cf', '-', '--', ...members.map((path) => relative(cacheDir, path))], `export ${repo}`, undefined, output)
}

const refuse = (what: string): Failure =>
  new Failure(`cannot import: ${what}`, { exitCode: exitCodes.config, fix: 'make the stream with `aim cache export`' })

type Link = { readonly path: string; readonly etag: string; readonly bytes: number }

/** Moves what was checked to its place: blobs, links, lists, and the refs last. */
const publishRevision = async (
  cacheDir: string,
  staged: HeldRepo,
  revision: HeldRevision,
  links: readonly Link[],
  token: string,
): Promise<void> => {
  const { repo } = staged
  const { commit } = revision
  await makeDirectory(dirname(blobPath(cacheDir, repo, '0'.repeat(40))))
  for (const { etag, bytes } of staged.blobs) {
    const target = blobPath(cacheDir, repo, etag)
    if (!(await hasSize(target, bytes))) await rename(join(staged.folder, 'blobs', etag), target)
  }
  for (const { path, etag, bytes } of links) await linkBlob(snapshotFilePath(cacheDir, repo, commit, path), { path, etag, bytes })
  const lists = [
    [join(staged.folder, '.aim', 'done', `${commit}.json`), manifestPath(cacheDir, repo, commit), parseManifest],
    [join(staged.folder, 'trees', `${commit}.json`), treePath(cacheDir, repo, commit), parseTree],
  ] as const
  for (const [from, to, parse] of lists) {
    const text = await readFile(from, 'utf8').catch(() => '')
    if (parse(text) !== undefined) await writeDurably(to, text, token)
  }
  for (const ref of revision.refs.filter(isRevision)) await writeDurably(refPath(cacheDir, repo, ref), commit, token)
}

const linksOf = ({ folder, blobs }: HeldRepo, { commit, path: root }: HeldRevision): Promise<readonly Link[]> => {
  return Promise.all(
    snapshotFiles(root).map(async ({ path, bytes }) => {
      const target = await readlink(join(folder, 'snapshots', commit, path)).catch(() => '')
      const etag = basename(target)
      if (!isRelativePath(path) || !isEtag(etag) || target !== linkTarget(path, etag) || !blobs.some((blob) => blob.etag === etag))
        throw refuse(`'${path}' in the stream is no link to a blob in it`)
      return { path, etag, bytes }
    }),
  )
}

/** Reads a stream of `exportRevision` into a cache; every blob is read and checked before it gets its name. Gives what came. */
export const importStream = async (
  cacheDir: string,
  input: Readable,
): Promise<readonly { readonly repo: string; readonly commit: string }[]> => {
  const token = newToken()
  // huggingface_hub looks at every directory of a cache but this one.
  const stage = join(cacheDir, '.locks', `aim-import-${token}`)
  await makeDirectory(dirname(stage))
  await mkdir(stage)
  try {
    await runTar(['-C', stage, '--no-same-owner', '--no-same-permissions', '-xf', '-'], 'import', input, undefined)
    const came = holdingsOf(stage)
    const wrong = (await verify(stage, undefined, true, () => {})).find((one) => one.wrong.length > 0 || one.missing.length > 0)
    if (wrong !== undefined)
      throw refuse(`${wrong.repo} is damaged in the stream: ${[...wrong.wrong, ...wrong.missing].slice(0, 3).join(', ')}`)
    const revisions = came.flatMap((held) => held.revisions.map((revision) => ({ held, revision })))
    if (revisions.length === 0) throw refuse('the stream holds no snapshot')
    // All before the first blob moves: the links of a snapshot are read through to their blobs.
    const links = await Promise.all(revisions.map(({ held, revision }) => linksOf(held, revision)))
    for (const [index, { held, revision }] of revisions.entries())
      await publishRevision(cacheDir, held, revision, links[index] ?? [], token)
    return revisions.map(({ held, revision }) => ({ repo: held.repo, commit: revision.commit }))
  } finally {
    await rm(stage, { recursive: true, force: true })
  }
}
