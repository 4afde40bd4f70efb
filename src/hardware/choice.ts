/** Which N of M equal GPUs to take. */
import type { Gpu } from './inventory.ts'

/** What the choice looks at. */
export type Candidate = Pick<Gpu, 'index' | 'hiveId' | 'numaNode' | 'vramBytes' | 'vramUsedBytes' | 'busy'>

/** The chosen ones in index order, and what speaks for them; no words where nothing had to be chosen. */
export type GpuSubset<T> = { readonly gpus: readonly T[]; readonly because: readonly string[] }

/** What stands against a set, the worst first: sets are compared by the first number that differs. */
type Score = readonly [held: number, hives: number, numaNodes: number, usedGib: number, busy: number]

/**
 * Takes `count` of the candidates, which are of one kind. A GPU of whose memory others hold more than a tenth comes last, because vLLM's
 * own share of nine tenths would not be free there and the start would fail; then sets within one xGMI hive, on one NUMA node, with the
 * least memory in use (whole GiB, so that noise decides nothing), idle; then the lower index. Undefined when there are too few.
 */
export const chooseSubset = <T extends Candidate>(candidates: readonly T[], count: number): GpuSubset<T> | undefined => {
  if (candidates.length < count) return undefined
  if (candidates.length === count || count === 0) return { gpus: candidates.slice(0, count), because: [] }
  const sets = poolsOf(candidates)
    .filter((pool) => pool.length >= count)
    .map((pool) => pool.toSorted((a, b) => compare(scoreOf([a]), scoreOf([b])) || a.index - b.index).slice(0, count))
  const best = sets.reduce((a, b) => (compare(scoreOf(b), scoreOf(a)) < 0 ? b : a))
  return { gpus: best.toSorted((a, b) => a.index - b.index), because: explain(best, candidates) }
}

// Within each pool the members are ranked by themselves, so four passes stand for every subset.
const poolsOf = <T extends Candidate>(candidates: readonly T[]): readonly (readonly T[])[] => {
  const by = (key: (gpu: T) => string): (readonly T[])[] => [...Map.groupBy(candidates, key).values()]
  return [...by((gpu) => `${hiveOf(gpu)} ${gpu.numaNode}`), ...by(hiveOf), ...by(({ numaNode }) => `${numaNode}`), candidates]
}

// Without a hive a GPU is joined to no other.
const hiveOf = ({ hiveId, index }: Candidate): string => hiveId ?? `none ${index}`

const isHeld = ({ vramBytes, vramUsedBytes }: Candidate): boolean =>
  vramBytes !== undefined && vramUsedBytes !== undefined && vramUsedBytes > vramBytes / 10

const isBusy = ({ busy = 0 }: Candidate): boolean => busy > 0

const distinct = <T>(values: readonly T[]): number => new Set(values).size

const scoreOf = (gpus: readonly Candidate[]): Score => [
  gpus.filter(isHeld).length,
  distinct(gpus.map(hiveOf)),
  distinct(gpus.map(({ numaNode }) => numaNode)),
  gpus.reduce((sum, { vramUsedBytes = 0 }) => sum + Math.floor(vramUsedBytes / 2 ** 30), 0),
  gpus.filter(isBusy).length,
]

const compare = (a: Score, b: Score): number => a.map((value, at) => value - (b[at] ?? 0)).find((difference) => difference !== 0) ?? 0

// Only what the others do not share is a reason.
const explain = (chosen: readonly Candidate[], all: readonly Candidate[]): readonly string[] => {
  const [held, hives, numaNodes, used, busy] = scoreOf(chosen)
  const left = scoreOf(all)
  const several = chosen.length > 1
  const [{ numaNode } = {}] = chosen
  return [
    ...(several && hives === 1 && left[1] > 1 ? ['one xGMI hive'] : []),
    ...(several && numaNodes === 1 && left[2] > 1 && numaNode !== undefined ? [`one NUMA node (${numaNode})`] : []),
    ...(held < left[0] || used < (left[3] * chosen.length) / all.length ? ['the least memory in use'] : []),
    ...(busy === 0 && left[4] > 0 ? ['idle'] : []),
    ...(held > 0 ? [`of ${held} more than a tenth of the memory is held already`] : []),
  ]
}
