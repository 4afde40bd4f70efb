import { createHash, type Hash } from 'node:crypto'
import { createReadStream } from 'node:fs'
import { readdir, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { Readable } from 'node:stream'

/** What to serve as a repository: files given here, or those of a directory. */
export type RepositorySpec = {
  readonly files?: Readonly<Record<string, string | Buffer>>
  readonly directory?: string
  /** Which files are stored as LFS; by default those that the Hub's .gitattributes take, and all above 10 MiB. */
  readonly lfs?: (path: string, bytes: number) => boolean
  /** Names beside `main` for the newest commit: `v1.0`, `refs/pr/1`. */
  readonly refs?: readonly string[]
  /** Its files need accepted terms, which no token here has; the listing is public, as on the Hub. */
  readonly gated?: boolean
  readonly disabled?: boolean
  /** Anonymous callers are told that it does not exist. */
  readonly private?: boolean
  /** Last word on the entries of the tree call, to make them wrong. */
  readonly alterTree?: (entries: TreeEntry[]) => TreeEntry[]
}

/** A file as git and LFS know it. */
export type StoredFile = {
  readonly path: string
  readonly bytes: number
  /** Git's id: of the content, or of the pointer when it is stored as LFS. */
  readonly oid: string
  readonly lfs?: { readonly sha256: string; readonly pointerBytes: number }
  /** Bytes from `start` up to, not including, `end`. */
  readonly read: (start: number, end: number) => Readable
}

/** An entry of the tree call. */
export type TreeEntry = Record<string, unknown> & { readonly path: string }

/** A repository being served. */
export type Repository = {
  readonly id: string
  readonly spec: RepositorySpec
  readonly commits: Map<string, ReadonlyMap<string, StoredFile>>
  readonly refs: Map<string, string>
}

type Source = Pick<StoredFile, 'path' | 'bytes' | 'read'>

const isStoredAsLfs = (path: string, bytes: number): boolean =>
  /\.(?:safetensors|bin|pt|pth|gguf|onnx|h5|msgpack|model|zip|parquet|npz)$/.test(path) || bytes > 10 * 1024 ** 2

const inMemory = (path: string, content: string | Buffer): Source => {
  const bytes = Buffer.from(content)
  return { path, bytes: bytes.length, read: (start, end) => Readable.from(start < end ? [bytes.subarray(start, end)] : []) }
}

const onDisk = async (directory: string, path: string): Promise<Source> => {
  const file = join(directory, path)
  const { size } = await stat(file)
  return { path, bytes: size, read: (start, end) => (start < end ? createReadStream(file, { start, end: end - 1 }) : Readable.from([])) }
}

const filesBelow = async (directory: string): Promise<readonly string[]> => {
  const entries = await readdir(directory, { recursive: true, withFileTypes: true })
  return entries.filter((entry) => !entry.isDirectory()).map((entry) => join(entry.parentPath, entry.name).slice(directory.length + 1))
}

const sourcesOf = async ({ files = {}, directory }: RepositorySpec): Promise<readonly Source[]> => {
  const given = Object.entries(files).map(([path, content]) => inMemory(path, content))
  const found = directory === undefined ? [] : await Promise.all((await filesBelow(directory)).map((path) => onDisk(directory, path)))
  return [...given, ...found].sort((a, b) => (a.path < b.path ? -1 : 1))
}

const hashOf = async (hash: Hash, source: Source): Promise<string> => {
  for await (const chunk of source.read(0, source.bytes)) hash.update(chunk)
  return hash.digest('hex')
}

/** Git's id of a blob. */
export const gitOid = (content: string | Buffer): string =>
  createHash('sha1')
    .update(`blob ${Buffer.byteLength(content)}\0`)
    .update(content)
    .digest('hex')

const store = async (source: Source, spec: RepositorySpec): Promise<StoredFile> => {
  if (!(spec.lfs ?? isStoredAsLfs)(source.path, source.bytes)) {
    return { ...source, oid: await hashOf(createHash('sha1').update(`blob ${source.bytes}\0`), source) }
  }
  const sha256 = await hashOf(createHash('sha256'), source)
  const pointer = `version https://git-lfs.github.com/spec/v1\noid sha256:${sha256}\nsize ${source.bytes}\n`
  return { ...source, oid: gitOid(pointer), lfs: { sha256, pointerBytes: pointer.length } }
}

const commitOf = (files: readonly StoredFile[]): string =>
  createHash('sha1')
    .update(files.map(({ path, oid }) => `${oid} ${path}\n`).join(''))
    .digest('hex')

/** Stores a state of the files as a commit, a hash of the contents, and moves `main` and the other refs to it. Older commits stay. */
export const commit = async (repository: Repository, spec: RepositorySpec): Promise<string> => {
  const files: StoredFile[] = []
  for (const source of await sourcesOf(spec)) files.push(await store(source, spec))
  const sha = commitOf(files)
  repository.commits.set(sha, new Map(files.map((file) => [file.path, file])))
  for (const ref of ['main', ...(spec.refs ?? [])]) repository.refs.set(ref, sha)
  return sha
}

/** A repository with one commit. */
export const createRepository = async (id: string, spec: RepositorySpec): Promise<Repository> => {
  const repository: Repository = { id, spec, commits: new Map(), refs: new Map() }
  await commit(repository, spec)
  return repository
}

/** The entry of a file in the tree call. */
export const treeEntry = ({ path, bytes, oid, lfs }: StoredFile): TreeEntry => ({
  type: 'file',
  oid,
  size: bytes,
  path,
  ...(lfs && { lfs: { oid: lfs.sha256, size: bytes, pointerSize: lfs.pointerBytes } }),
})

/** Names of the directories that the files lie in, which the tree call lists too. */
export const directoriesOf = (files: Iterable<string>): readonly string[] => {
  const parents = [...files].flatMap((path) => path.split('/').map((_, index, parts) => parts.slice(0, index).join('/')))
  return [...new Set(parents)].filter((path) => path !== '').sort()
}
