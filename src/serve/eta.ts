import type { PhaseStatus } from '../ops/status.ts'

/** How long each phase of a start took, in their order, from the spawn to the first answer; milliseconds. */
export type PastStart = { readonly phases: readonly { readonly name: string; readonly ms: number }[]; readonly totalMs: number }

/** What is worth remembering of a start that became ready; undefined when its phases are not all there. */
export const remember = (phases: readonly PhaseStatus[]): PastStart | undefined => {
  const own = sinceSpawn(phases)
  const [first, last] = [own[0], own.at(-1)]
  if (first === undefined || last?.endMs === undefined) return undefined
  return {
    phases: own.map(({ name, startMs, endMs }) => ({ name, ms: Math.round((endMs ?? startMs) - startMs) })),
    totalMs: Math.round(last.endMs - first.startMs),
  }
}

/** The phases of the engine's own start; what is before (detect, plan, pull) depends on the cache and the network. */
export const sinceSpawn = (phases: readonly PhaseStatus[]): readonly PhaseStatus[] => {
  const spawn = phases.findIndex(({ name }) => name === 'spawn')
  return spawn === -1 ? [] : phases.slice(spawn)
}

/**
 * Milliseconds until ready, by what the last start with the same key took: what is left of the current phase (by its own share when it counts
 * steps or bytes, else by its last duration) and all that came after it. Undefined when there is nothing to go by.
 */
export const estimate = (phases: readonly PhaseStatus[], past: PastStart | undefined, at: number): number | undefined => {
  const current = phases.at(-1)
  if (past === undefined || current === undefined) return undefined
  const known = past.phases.findIndex(({ name }) => name === current.name)
  const elapsed = at - current.startMs
  const begun = sinceSpawn(phases)[0]?.startMs
  const ahead = (from: number): number => past.phases.slice(from).reduce((sum, { ms }) => sum + ms, 0)
  // A phase that the last start did not have: of the whole, what has not passed yet.
  if (known === -1) return begun === undefined ? left(current, elapsed, 0) + past.totalMs : Math.max(0, past.totalMs - (at - begun))
  return left(current, elapsed, past.phases[known]?.ms ?? 0) + ahead(known + 1)
}

const left = ({ done, total }: PhaseStatus, elapsed: number, lastMs: number): number => {
  const share = done === undefined || total === undefined || total === 0 ? 0 : done / total
  return share > 0 ? (elapsed * (1 - share)) / share : Math.max(0, lastMs - elapsed)
}
