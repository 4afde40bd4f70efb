import type { HeldRepo, HeldRevision } from './inventory.ts'

/** What may stay. Without any of the three only what nothing needs goes. */
export type Retention = {
  /** Revisions not used for so long go; milliseconds. */
  readonly olderThanMs?: number
  /** The least recently used go until the rest fits; bytes. */
  readonly maxBytes?: number
  /** These go: a commit, its beginning of at least six digits, or a ref. */
  readonly revision?: string
  /** Only of this repository. */
  readonly repo?: string
}

/** What goes, with the reason. */
export type Removal = { readonly repo: string; readonly commit: string; readonly because: string; readonly freedBytes: number }

/** Revisions that stay whatever was asked, with the reason. */
export type Spared = { readonly repo: string; readonly commit: string; readonly because: string }

type Candidate = { readonly held: HeldRepo; readonly revision: HeldRevision }

const isNamed = (revision: HeldRevision, name: string): boolean =>
  revision.refs.includes(name) || (name.length >= 6 && revision.commit.startsWith(name))

/** Bytes that go with a revision: those of blobs that no revision which stays has. */
const freed = ({ held, revision }: Candidate, gone: ReadonlySet<string>): number => {
  const kept = new Set(held.revisions.filter(({ commit }) => commit !== revision.commit && !gone.has(commit)).flatMap(({ etags }) => etags))
  const own = new Set(revision.etags.filter((etag) => !kept.has(etag)))
  return held.blobs.filter(({ etag }) => own.has(etag)).reduce((sum, { bytes }) => sum + bytes, 0)
}

const days = (ms: number): string => `${Math.floor(ms / 86_400_000)} days`

/** Decides what goes at `nowMs` (since 1970). `inUse` tells what a live lease uses, which never goes. */
export const retain = (
  holdings: readonly HeldRepo[],
  { olderThanMs, maxBytes, revision: named, repo }: Retention,
  nowMs: number,
  inUse: (repo: string, commit: string) => boolean,
): { readonly removals: readonly Removal[]; readonly spared: readonly Spared[] } => {
  const gone = new Set<string>()
  const removals: Removal[] = []
  const spared: Spared[] = []
  const candidates = holdings
    .filter((held) => repo === undefined || held.repo === repo)
    .flatMap((held) => held.revisions.map((revision) => ({ held, revision })))
    .sort((a, b) => a.revision.usedMs - b.revision.usedMs)
  const remove = (candidate: Candidate, because: string): number => {
    const { held, revision } = candidate
    if (gone.has(revision.commit)) return 0
    if (inUse(held.repo, revision.commit)) {
      spared.push({ repo: held.repo, commit: revision.commit, because: `${because}, but a live lease uses it` })
      return 0
    }
    gone.add(revision.commit)
    const freedBytes = freed(candidate, gone)
    removals.push({ repo: held.repo, commit: revision.commit, because, freedBytes })
    return freedBytes
  }
  for (const candidate of candidates) {
    if (named !== undefined && isNamed(candidate.revision, named)) remove(candidate, `it is '${named}'`)
    const age = nowMs - candidate.revision.usedMs
    if (olderThanMs !== undefined && age > olderThanMs) remove(candidate, `not used for ${days(age)}`)
  }
  let bytes = holdings.reduce((sum, held) => sum + held.bytes, 0) - removals.reduce((sum, { freedBytes }) => sum + freedBytes, 0)
  for (const candidate of candidates) {
    if (maxBytes === undefined || bytes <= maxBytes) break
    bytes -= remove(candidate, 'the cache is larger than it may be')
  }
  return { removals, spared }
}
