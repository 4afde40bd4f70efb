import type { ServerResponse } from 'node:http'
import { sendError, sendJson } from './answers.ts'
import { directoriesOf, type Repository, type StoredFile, type TreeEntry, treeEntry } from './repository.ts'

/** A repository at the commit that a request's revision stands for. */
export type Revision = { readonly repository: Repository; readonly commit: string; readonly files: ReadonlyMap<string, StoredFile> }

/** Resolves a branch, tag or commit; answers with the Hub's error and gives undefined when there is none. */
export const resolveRevision = (response: ServerResponse, repository: Repository, revision: string): Revision | undefined => {
  const commit = repository.refs.get(revision) ?? revision
  const files = repository.commits.get(commit)
  if (files !== undefined) return { repository, commit, files }
  sendError(response, 404, 'RevisionNotFound', `Invalid rev id: ${revision}`)
  return undefined
}

/** `GET /api/models/<repo>/revision/<revision>`. */
export const sendRevision = (response: ServerResponse, { repository: { id, spec }, commit, files }: Revision): void =>
  sendJson(response, {
    _id: commit.slice(0, 24),
    id,
    modelId: id,
    sha: commit,
    private: spec.private ?? false,
    gated: spec.gated ? 'manual' : false,
    disabled: false,
    tags: [],
    downloads: 0,
    likes: 0,
    lastModified: '2026-01-01T00:00:00.000Z',
    createdAt: '2026-01-01T00:00:00.000Z',
    siblings: [...files.keys()].map((rfilename) => ({ rfilename })),
  })

const entriesOf = ({ repository: { spec }, files }: Revision): readonly TreeEntry[] => {
  const directories = directoriesOf(files.keys()).map((path) => ({ type: 'directory', oid: '0'.repeat(40), size: 0, path }))
  const entries: TreeEntry[] = [...directories, ...[...files.values()].map(treeEntry)]
  return spec.alterTree?.(entries) ?? entries
}

/** `GET /api/models/<repo>/tree/<revision>?recursive=true`, a page at a time; `origin` is what the link to the next page starts with. */
export const sendTree = (response: ServerResponse, revision: Revision, url: URL, pageSize: number, origin: string): void => {
  const start = Number(url.searchParams.get('cursor') ?? 0)
  const entries = entriesOf(revision)
  const next = new URL(url.pathname + url.search, origin)
  next.searchParams.set('cursor', String(start + pageSize))
  sendJson(response, entries.slice(start, start + pageSize), start + pageSize < entries.length ? { link: `<${next}>; rel="next"` } : {})
}
