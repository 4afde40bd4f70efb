import { exitCodes } from '../std/exit-codes.ts'
import { Failure } from '../std/failure.ts'
import { endpointOf, nextPage, revisionUrl, treeUrl } from './addresses.ts'
import { startDigest } from './digest.ts'
import { download, wrongBytes } from './download.ts'
import { fetchOnce, type Get, type Received } from './http.ts'
import { insist } from './insist.ts'
import { isCommit, isRepoId, isRevision } from './paths.ts'
import { headerOf, standardTransfer, type Transfer } from './retry.ts'
import { notAHub, parseCommit, parseTreePage } from './tree.ts'
import type { Hub, Listing, RepoFile } from './types.ts'

const invalid = (what: string, fix: string): Failure => new Failure(`cannot ask the Hub: ${what}`, { exitCode: exitCodes.config, fix })

const collect = async (chunks: AsyncIterable<Buffer>): Promise<Buffer> => {
  const parts: Buffer[] = []
  for await (const chunk of chunks) parts.push(chunk)
  return Buffer.concat(parts)
}

type Page = { readonly value: unknown; readonly headers: Received['headers'] }

const parseJson = (body: Buffer, endpoint: string): unknown => {
  try {
    return JSON.parse(body.toString())
  } catch {
    throw notAHub(endpoint, 'it is no JSON')
  }
}

const getPage = async (get: Get): Promise<Page> => {
  const patience = insist(get.transfer, get.signal)
  for (;;) {
    try {
      const { headers, chunks } = await fetchOnce(get)
      return { value: parseJson(await collect(chunks), get.asked.hub.endpoint), headers }
    } catch (error) {
      await patience.failed(error)
    }
  }
}

const listTree = async (first: Get): Promise<readonly RepoFile[]> => {
  const endpoint = endpointOf(first.asked.hub)
  const seen = new Set<string>()
  const files: RepoFile[] = []
  for (let url: string | undefined = first.url; url !== undefined; ) {
    if (seen.has(url)) throw notAHub(endpoint, 'a page of the listing names itself as the next')
    seen.add(url)
    const page = await getPage({ ...first, url })
    files.push(...parseTreePage(page.value, endpoint))
    url = nextPage(headerOf(page.headers, 'link'), endpoint)
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
  const commit = parseCommit(answer.value, hub.endpoint)
  if (isCommit(revision) && commit !== revision) throw notAHub(hub.endpoint, `asked for commit ${revision}, it speaks of ${commit}`)
  const files = await listTree({ url: treeUrl(hub, repo, commit), asked, signal, transfer })
  return { repo, commit, files, ...(!isCommit(revision) && { ref: revision }) }
}

/** A small file of the listing (config.json), verified, without touching the disk. Throws a Failure: 78 when the listing has no such file, 75 for wrong bytes. */
export const readFile = async (
  hub: Hub,
  listing: Listing,
  path: string,
  signal?: AbortSignal,
  transfer: Transfer = standardTransfer,
): Promise<Buffer> => {
  const file = listing.files.find((candidate) => candidate.path === path)
  if (file === undefined) throw invalid(`'${listing.repo}' at ${listing.commit} holds no '${path}'`, 'choose another revision or model')
  const bytes = await collect(download(hub, listing, file, signal, transfer))
  if (startDigest(file).update(bytes).digest('hex') !== file.etag) throw wrongBytes(file, listing.repo)
  return bytes
}
