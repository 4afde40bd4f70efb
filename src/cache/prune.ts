/** Edge: deletes revisions and what nothing needs, of ours only, never what a live lease uses. */
import { readdir, readFile, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { isStale, type LeaseTimes, look, standardTimes, type Watch } from './claim.ts'
import { compiledIn } from './compiled.ts'
import { type CompiledArchive, expired } from './compiled-names.ts'
import { type HeldRepo, holdingsOf } from './inventory.ts'
import { breakLease, readLease } from './lease.ts'
import { isDead } from './owner.ts'
import { claimsPath, isEtag } from './paths.ts'
import { type Removal, type Retention, retain, type Spared } from './retention.ts'
import { sweepIdle } from './sweep.ts'
import { useOf } from './use.ts'

/** What a prune did, or would do. */
export type Pruned = {
  readonly removals: readonly Removal[]
  readonly spared: readonly Spared[]
  /** Blobs that no snapshot has, and parts that nobody works on. */
  readonly leftovers: readonly { readonly repo: string; readonly name: string; readonly bytes: number }[]
}

const namesIn = (directory: string): Promise<readonly string[]> => readdir(directory).catch(() => [])

/** Claims in a directory that live. One that may be dead is watched until it moves or has been still for too long; dead ones are removed. */
const liveClaims = async (directory: string, times: LeaseTimes): Promise<ReadonlySet<string>> => {
  const desk = { directory, token: '', owner: '' }
  const live = new Set<string>()
  let open = (await namesIn(desk.directory))
    .filter((name) => !name.startsWith('.'))
    .map((name) => ({ name, watch: undefined as Watch | undefined }))
  while (open.length > 0) {
    const later: typeof open = []
    for (const { name, watch: before } of open) {
      const text = await readLease(desk, name)
      if (text === undefined) continue
      const now = performance.now()
      const watch = look(before, text, now)
      if (before !== undefined && before.text !== text) live.add(name)
      else if (isStale(watch, now, times, isDead)) await breakLease(desk, name, text)
      else later.push({ name, watch })
    }
    open = later
    if (open.length > 0) await sleep(times.pollMs)
  }
  return live
}

/**
 * Other programs name a blob before they link to it: one that no revision has and that is younger may be on its way. Milliseconds; the one
 * place besides ages that were asked for where clocks of two machines meet, and a wrong one only lets a blob stay or makes another fetch it again.
 */
const onItsWayMs = 3_600_000

const leftoversOf = async (
  { repo, folder, blobs, revisions }: HeldRepo,
  gone: ReadonlySet<string>,
  live: ReadonlySet<string>,
  nowMs: number,
) => {
  const etagsOf = (removed: boolean): ReadonlySet<string> =>
    new Set(revisions.filter(({ commit }) => gone.has(commit) === removed).flatMap(({ etags }) => etags))
  const [needed, freed] = [etagsOf(false), etagsOf(true)]
  const orphans = blobs
    .filter(({ etag, usedMs }) => !needed.has(etag) && !live.has(etag) && (freed.has(etag) || nowMs - usedMs > onItsWayMs))
    .map(({ etag, bytes }) => ({ repo, name: etag, bytes }))
  const parts = (await namesIn(join(folder, 'blobs'))).filter((name) => name.endsWith('.aim-part') && !live.has(name.split('.')[0] ?? ''))
  return [...orphans, ...parts.map((name) => ({ repo, name, bytes: 0 }))]
}

const removeRevision = async ({ folder, revisions }: HeldRepo, commit: string): Promise<void> => {
  // The ref first: from then on no reader looks for what is deleted next.
  for (const ref of revisions.find((one) => one.commit === commit)?.refs ?? []) {
    const path = join(folder, 'refs', ref)
    if ((await readFile(path, 'utf8').catch(() => '')).trim() === commit) await rm(path, { force: true })
  }
  await rm(join(folder, 'snapshots', commit), { recursive: true, force: true })
  for (const directory of [join('.aim', 'done'), join('.aim', 'tensors'), 'trees'])
    await rm(join(folder, directory, `${commit}.json`), { force: true })
}

/** A repository in which nothing is left goes too; who pulls into it at this moment makes it anew. */
const removeEmpty = async ({ repo, folder }: HeldRepo, cacheDir: string): Promise<void> => {
  const left = holdingsOf(cacheDir).find((held) => held.repo === repo)
  if (left !== undefined && left.revisions.length === 0 && left.blobs.length === 0 && (await namesIn(join(folder, 'blobs'))).length === 0)
    await rm(folder, { recursive: true, force: true })
}

/** Prunes, or says what it would do when `dry`. Waits up to the time of a stale lease when there are leases that may be dead. */
export const prune = async (
  cacheDir: string,
  retention: Retention,
  dry: boolean,
  times: LeaseTimes = standardTimes,
  now: () => number = Date.now,
): Promise<Pruned> => {
  const holdings = holdingsOf(cacheDir)
  const asked = holdings.filter(({ repo }) => retention.repo === undefined || repo === retention.repo)
  const live = new Map<string, ReadonlySet<string>>()
  const nowMs = now()
  for (const { repo } of asked) live.set(repo, await liveClaims(claimsPath(cacheDir, repo), times))
  const inUse = (repo: string, commit: string): boolean =>
    [...(live.get(repo) ?? [])].some((name) => useOf(name) === commit || isEtag(name))
  const { removals, spared } = retain(holdings, retention, nowMs, inUse)
  const gone = new Set(removals.map(({ commit }) => commit))
  const leftovers: Pruned['leftovers'][number][] = []
  for (const held of asked) {
    const claims = live.get(held.repo) ?? new Set()
    // While somebody pulls, a blob that no snapshot has yet may be one that it has just published.
    if (![...claims].some(isEtag)) leftovers.push(...(await leftoversOf(held, gone, claims, nowMs)))
  }
  if (!dry) {
    for (const held of asked) {
      for (const { commit } of removals.filter(({ repo }) => repo === held.repo)) await removeRevision(held, commit)
      for (const { name } of leftovers.filter(({ repo }) => repo === held.repo)) await rm(join(held.folder, 'blobs', name), { force: true })
      if (![...(live.get(held.repo) ?? [])].some(isEtag)) await sweepIdle(cacheDir, held.repo)
      // Where nothing of ours went, another may just have begun.
      if ([...removals, ...leftovers].some(({ repo }) => repo === held.repo)) await removeEmpty(held, cacheDir)
    }
  }
  return { removals, spared, leftovers }
}

/**
 * Removes compile caches by age and size, and parts of them that nobody makes any more; gives the archives that went, or would go when `dry`.
 * No engine uses one where it lies, so none is ever in use.
 */
export const pruneCompiled = async (
  directory: string,
  limits: { readonly maxBytes?: number; readonly olderThanMs?: number },
  dry: boolean,
  times: LeaseTimes = standardTimes,
): Promise<readonly CompiledArchive[]> => {
  const gone = expired(compiledIn(directory), limits, Date.now())
  if (dry) return gone
  for (const { path } of gone) await rm(path, { force: true })
  if ((await liveClaims(join(directory, '.claims'), times)).size > 0) return gone
  const names = await readdir(directory, { recursive: true }).catch(() => [])
  for (const name of names) if (name.endsWith('.aim-part')) await rm(join(directory, name), { force: true })
  return gone
}
