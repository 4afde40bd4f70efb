import { exitCodes } from '../std/exit-codes.ts'
import { Failure } from '../std/failure.ts'
import { isRecord } from '../std/json.ts'
import { endpointOf } from './addresses.ts'
import { askInsisting, parseAnswer } from './ask.ts'
import { commitOf, nameOf } from './digest.ts'
import { isCommit, isRelativePath, isRepoId, isRevision } from './paths.ts'
import { notAHub } from './tree.ts'
import type { Hub, Listing, RepoFile, Source } from './types.ts'

/** Entries after which its listing stops without a word (modelscope_hub 0.5.1, `REPO_FILES_TRUNCATION_LIMIT`). */
const listingLimit = 3000

const refuse = (what: string, fix: string): Failure => new Failure(`cannot use ${what}`, { exitCode: exitCodes.config, fix })

const nameIn = (repo: string): string => repo.replace(/^modelscope:\/\//, '')

/** ModelScope's own name for the branch that others call main. */
const mainBranch = 'master'

const revisionOf = (revision: string): string => (revision === 'main' ? mainBranch : revision)

const addressOf = (hub: Hub, repo: string, call: string, query: Readonly<Record<string, string>>): string =>
  `${endpointOf(hub)}/api/v1/models/${nameIn(repo)}/${call}?${new URLSearchParams(query)}`

const parseFile = (entry: Record<string, unknown>, hub: Hub): RepoFile => {
  const { Path: path, Size: bytes, Sha256: told } = entry
  if (typeof path !== 'string' || typeof bytes !== 'number' || !Number.isSafeInteger(bytes) || bytes < 0)
    throw notAHub(hub, 'a file lacks Path or Size')
  if (!isRelativePath(path)) throw notAHub(hub, `the listing holds ${JSON.stringify(path)}, which leaves the snapshot`)
  const sha256 = typeof told === 'string' && /^[0-9a-f]{64}$/.test(told) ? told : undefined
  return sha256 === undefined
    ? { path, bytes, etag: nameOf('modelscope', path, bytes, String(entry.Revision)), algorithm: 'none' }
    : { path, bytes, etag: sha256, algorithm: 'sha256' }
}

/** The files of a listing; directories are left out. Throws a Failure (78) for an answer that is none. */
export const parseFiles = (answer: unknown, hub: Hub, repo: string): readonly RepoFile[] => {
  const data = isRecord(answer) ? answer.Data : undefined
  const entries = isRecord(data) ? data.Files : undefined
  if (!Array.isArray(entries)) throw notAHub(hub, 'a listing has Data.Files')
  if (entries.length >= listingLimit)
    throw refuse(`'${repo}': ModelScope lists no more than ${listingLimit} of its files`, 'fetch it from another hub')
  return entries.filter(isRecord).flatMap((entry) => (entry.Type === 'tree' ? [] : [parseFile(entry, hub)]))
}

/** ModelScope: a listing with SHA-256 sums, and an address per file that redirects to its bytes. */
export const modelScope = (hub: Hub): Source => ({
  list: async (repo, revision, signal, transfer): Promise<Listing> => {
    if (!isRepoId(nameIn(repo)) || !nameIn(repo).includes('/'))
      throw refuse(`'${repo}' as a model: it is no modelscope://org/name`, 'give the id as the model page shows it')
    if (!isRevision(revision)) throw refuse(`'${revision}' as a revision: git allows no such name`, 'give a branch or a tag')
    const listAt = async (name: string): Promise<Listing> => {
      const asked = { hub, repo, revision: name }
      const url = addressOf(hub, repo, 'repo/files', { Revision: name, Recursive: 'true' })
      const files = parseFiles(parseAnswer(await askInsisting({ asked, signal, transfer }, () => url), asked), hub, repo)
      return { repo, commit: commitOf(files, ({ etag }) => etag), files, ref: revision }
    }
    if (!isCommit(revision)) return listAt(revisionOf(revision))
    // A commit may be one that we made of the branch's files, or git's.
    const branch = await listAt(mainBranch)
    return branch.commit === revision ? { ...branch, ref: 'main' } : { repo, commit: revision, files: (await listAt(revision)).files }
  },
  address: async ({ repo, commit, ref = commit }, { path }) => ({
    url: addressOf(hub, repo, 'repo', { Revision: revisionOf(ref), FilePath: path }),
  }),
})
