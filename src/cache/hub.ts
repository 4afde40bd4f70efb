import { exitCodes } from '../std/exit-codes.ts'
import { Failure } from '../std/failure.ts'
import { endpointOf, fileUrl, nextPage, revisionUrl, treeUrl } from './addresses.ts'
import { askInsisting, parseAnswer } from './ask.ts'
import type { Get, Received } from './http.ts'
import { isCommit, isRepoId, isRevision } from './paths.ts'
import { headerOf, standardTransfer, type Transfer } from './retry.ts'
import { notAHub, parseCommit, parseTreePage } from './tree.ts'
import type { Hub, Listing, RepoFile, Source } from './types.ts'

const invalid = (what: string, fix: string): Failure => new Failure(`cannot ask the Hub: ${what}`, { exitCode: exitCodes.config, fix })

type Page = { readonly value: unknown; readonly headers: Received['headers'] }

const getPage = async (get: Get): Promise<Page> => {
  const answer = await askInsisting(get, () => get.url)
  return { value: parseAnswer(answer, get.asked), headers: answer.headers }
}

const listTree = async (first: Get): Promise<readonly RepoFile[]> => {
  const { hub } = first.asked
  const seen = new Set<string>()
  const files: RepoFile[] = []
  for (let url: string | undefined = first.url; url !== undefined; ) {
    if (seen.has(url)) throw notAHub(hub, 'a page of the listing names itself as the next')
    seen.add(url)
    const page = await getPage({ ...first, url })
    files.push(...parseTreePage(page.value, hub))
    url = nextPage(headerOf(page.headers, 'link'), endpointOf(hub))
  }
  return files
}

/**
 * Resolves a branch, tag or commit to a commit and lists all its files with their checksums: two calls, more for over a thousand files.
 * Throws a Failure by `explainAnswer`, or an AbortError.
 */
export const listRepo = async (
  hub: Hub,
  repo: string,
  revision: string,
  signal?: AbortSignal,
  transfer: Transfer = standardTransfer,
): Promise<Listing> => {
  if (!isRepoId(repo)) throw invalid(`'${repo}' is not name or org/name`, 'give the id as the model page shows it')
  if (!isRevision(revision)) throw invalid(`'${revision}' is no name that git allows`, 'give a branch, a tag or a commit')
  const asked = { hub, repo, revision }
  const answer = await getPage({ url: revisionUrl(hub, repo, revision), asked, signal, transfer })
  const commit = parseCommit(answer.value, hub)
  if (isCommit(revision) && commit !== revision) throw notAHub(hub, `asked for commit ${revision}, it speaks of ${commit}`)
  const files = await listTree({ url: treeUrl(hub, repo, commit), asked, signal, transfer })
  return { repo, commit, files, ...(!isCommit(revision) && { ref: revision }) }
}

/** Hugging Face's Hub and its mirrors: a file's address redirects to its bytes. */
export const huggingFace = (hub: Hub): Source => ({
  list: (repo, revision, signal, transfer) => listRepo(hub, repo, revision, signal, transfer),
  address: async (listing, { path }) => ({ url: fileUrl(hub, listing, path) }),
})
