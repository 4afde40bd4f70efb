import { join } from 'node:path'
import { exitCodes } from '../std/exit-codes.ts'
import { Failure } from '../std/failure.ts'

const reject = (what: string, value: string, rule: string, fix: string): Failure =>
  new Failure(`cannot use ${JSON.stringify(value)} as ${what}: ${rule}`, { exitCode: exitCodes.config, fix })

/** Whether a revision is a commit: 40 lower-case hex digits, the only revision that never moves. */
export const isCommit = (text: string): boolean => /^[0-9a-f]{40}$/.test(text)

/** Whether a name can be a blob's: a git SHA-1 (40 hex digits) or a SHA-256 (64). */
export const isEtag = (text: string): boolean => /^(?:[0-9a-f]{40}|[0-9a-f]{64})$/.test(text)

/** Whether a repository id is one the Hub could have given: `name` or `org/name`, each of at most 96 letters, digits, `_`, `-` and `.`. */
export const isRepoId = (repo: string): boolean =>
  /^(?:\w(?:[\w.-]{0,94}\w)?\/)?\w(?:[\w.-]{0,94}\w)?$/.test(repo) && !/--|\.\.|\.git$/.test(repo)

/** Whether a revision is a name git allows (`git check-ref-format`), and so is safe below refs/. */
export const isRevision = (revision: string): boolean =>
  // biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what is refused here
  revision !== '' && !/[\u0000-\u0020\u007f~^:?*[\\]|\.\.|@\{|^-|\/\.|^\.|\.$|\.lock(?:\/|$)/.test(revision) && isRelativePath(revision)

/** Whether a file name from a listing stays below the directory it is joined to, on any platform: I10 of the cache's rules. */
export const isRelativePath = (path: string): boolean =>
  // biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what is refused here
  !/[\u0000-\u001f\u007f\\]|^[A-Za-z]:/.test(path) && path.split('/').every((segment) => !['', '.', '..'].includes(segment))

const foreign = /^(modelscope|s3):\/\/(.+)$/s

/** Any name below S3 as part of a file name, and back: what a repository id may not hold is written as `+XX`. */
const encodeSegment = (text: string): string =>
  encodeURIComponent(text)
    .replace(/[!'()*~]|(?<=-)-|^-|-$/g, (one) => `%${one.charCodeAt(0).toString(16).toUpperCase()}`)
    .replaceAll('%', '+')

const decodeSegment = (text: string): string => decodeURIComponent(text.replaceAll('+', '%'))

/** Bytes that a name may have on the file systems in use. */
const nameBytes = 255

/**
 * The folder of a repository in the cache: `models--org--name`, and for other hubs `models--s3+--bucket--prefix`, which no id of Hugging
 * Face's can be. Throws a Failure (78) for an id the hub could not have given, or one too long for a file name.
 */
export const repoFolder = (repo: string): string => {
  const [, scheme, rest = ''] = foreign.exec(repo) ?? []
  if (scheme === undefined && !isRepoId(repo))
    throw reject('a repository id', repo, 'it is not name or org/name', 'give the id as the model page shows it')
  const folder = `models--${scheme === undefined ? repo.replaceAll('/', '--') : [`${scheme}+`, ...rest.split('/').map(encodeSegment)].join('--')}`
  if (folder.length > nameBytes)
    throw reject('a model', repo, `its folder's name would have more than ${nameBytes} bytes`, 'put it below a shorter prefix')
  return folder
}

/** The repository of a folder in the cache; undefined for a folder that `repoFolder` does not make. */
export const repoOfFolder = (folder: string): string | undefined => {
  const [kind, first = '', ...rest] = folder.split('--')
  const scheme = /^(modelscope|s3)\+$/.exec(first)?.[1]
  try {
    const repo = scheme === undefined ? [first, ...rest].join('/') : `${scheme}://${rest.map(decodeSegment).join('/')}`
    return kind === 'models' && repoFolder(repo) === folder ? repo : undefined
  } catch {
    return undefined
  }
}

/** The directory of one commit, whose entries link to blobs. */
export const snapshotPath = (cacheDir: string, repo: string, commit: string): string => {
  if (!isCommit(commit)) throw reject('a commit', commit, 'a commit is 40 hex digits', 'give the full commit')
  return join(cacheDir, repoFolder(repo), 'snapshots', commit)
}

/** One file of a snapshot. Throws a Failure (78) for a name that would leave the snapshot. */
export const snapshotFilePath = (cacheDir: string, repo: string, commit: string, path: string): string => {
  if (!isRelativePath(path)) throw reject('a file name', path, 'it leaves the snapshot', 'do not use this repository, or this endpoint')
  return join(snapshotPath(cacheDir, repo, commit), path)
}

/** What a snapshot's entry links to, relative, so that the cache can be mounted anywhere: one more `../` per directory. */
export const linkTarget = (path: string, etag: string): string => `${'../'.repeat(1 + path.split('/').length)}blobs/${etag}`

/** A blob by its checksum. */
export const blobPath = (cacheDir: string, repo: string, etag: string): string => {
  if (!isEtag(etag)) throw reject('a checksum', etag, 'it is neither a SHA-1 nor a SHA-256', 'check HF_ENDPOINT')
  return join(cacheDir, repoFolder(repo), 'blobs', etag)
}

/** The file that holds the commit a branch or tag stood at. */
export const refPath = (cacheDir: string, repo: string, revision: string): string => {
  if (!isRevision(revision)) throw reject('a revision', revision, 'git allows no such name', 'give a branch, a tag or a commit')
  return join(cacheDir, repoFolder(repo), 'refs', revision)
}

/** The ref that keeps a pinned commit's snapshot from `hf cache prune`, which deletes what no ref names. */
export const pinnedRef = (commit: string): string => `aim/${commit.slice(0, 12)}`

/** Our list of what a snapshot holds; its presence means that every link was made. */
export const manifestPath = (cacheDir: string, repo: string, commit: string): string =>
  join(cacheDir, repoFolder(repo), '.aim', 'done', `${commit}.json`)

/** Our list of the tensors in a snapshot's shards. */
export const tensorsPath = (cacheDir: string, repo: string, commit: string): string =>
  join(cacheDir, repoFolder(repo), '.aim', 'tensors', `${commit}.json`)

/** huggingface_hub's list of what a commit holds; to be written only when all of it is present, or its offline reads fail. */
export const treePath = (cacheDir: string, repo: string, commit: string): string =>
  join(cacheDir, repoFolder(repo), 'trees', `${commit}.json`)

/** Where a repository's leases on blobs lie. */
export const claimsPath = (cacheDir: string, repo: string): string => join(cacheDir, repoFolder(repo), '.aim', 'claims')

/** Which bytes of a part are there: `.aim/parts/<etag>.<token>.json`. */
export const journalPath = (cacheDir: string, repo: string, etag: string, token: string): string =>
  join(cacheDir, repoFolder(repo), '.aim', 'parts', `${etag}.${token}.json`)
