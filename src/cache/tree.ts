import { exitCodes } from '../std/exit-codes.ts'
import { Failure } from '../std/failure.ts'
import { isRecord } from '../std/json.ts'
import { isCommit, isEtag, isRelativePath } from './paths.ts'
import { endpointVariable, protocolName } from './protocol.ts'
import type { Hub, RepoFile } from './types.ts'

/** The failure for an answer that is not a Hub's: a portal's page, a proxy's, or a server that only looks like one. */
export const notAHub = (hub: Hub, what: string): Failure =>
  new Failure(`cannot read the answer of ${hub.endpoint || protocolName(hub)}: ${what}`, {
    exitCode: exitCodes.config,
    fix: `check that ${endpointVariable(hub)} names ${protocolName(hub)} and that no proxy answers in its place`,
  })

/** The commit in the answer of `/api/models/<repo>/revision/<revision>`. Throws a Failure (78) when there is none. */
export const parseCommit = (answer: unknown, hub: Hub): string => {
  const sha = isRecord(answer) ? answer.sha : undefined
  if (typeof sha !== 'string' || !isCommit(sha))
    throw notAHub(hub, `a revision needs a sha of 40 hex digits, it has ${JSON.stringify(sha)}`)
  return sha
}

const parseFile = (entry: Record<string, unknown>, hub: Hub): RepoFile => {
  const { path, oid, lfs } = entry
  const etag = isRecord(lfs) ? lfs.oid : oid
  const bytes = isRecord(lfs) ? (lfs.size ?? entry.size) : entry.size
  if (typeof path !== 'string' || typeof etag !== 'string' || typeof bytes !== 'number')
    throw notAHub(hub, 'a file lacks path, oid or size')
  if (!isRelativePath(path)) throw notAHub(hub, `the listing holds ${JSON.stringify(path)}, which leaves the snapshot`)
  if (!isEtag(etag) || !Number.isSafeInteger(bytes) || bytes < 0) throw notAHub(hub, `${path} has no usable checksum or size`)
  if (!isRecord(lfs)) return { path, bytes, etag, algorithm: 'git-sha1' }
  return { path, bytes, etag, algorithm: 'sha256', ...(typeof oid === 'string' && { pointer: oid }) }
}

/**
 * The files of one page of `/api/models/<repo>/tree/<commit>?recursive=true`; directories are left out. Throws a Failure (78)
 * for a page that is none, and for a name that could be written outside the snapshot.
 */
export const parseTreePage = (answer: unknown, hub: Hub): readonly RepoFile[] => {
  if (!Array.isArray(answer)) throw notAHub(hub, 'a listing is a list')
  return answer.filter(isRecord).flatMap((entry) => (entry.type === 'file' ? [parseFile(entry, hub)] : []))
}
