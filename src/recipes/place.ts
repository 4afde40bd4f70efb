import type { Profile } from './profile.ts'
import type { AvailableGpu } from './question.ts'

/** Whether a GPU is what a profile's `gpu` names: its product, AMD's family of it (`RX7900` of `RX7900XTX`) or its instruction set, in any case. */
export const matches = ({ product, gfx }: AvailableGpu, pattern: string): boolean => {
  const wanted = pattern.toLowerCase()
  return (
    product?.toLowerCase() === wanted || gfx === wanted || (/^rx\d{4}$/.test(wanted) && product?.toLowerCase().startsWith(wanted) === true)
  )
}

/** GPUs that may work together: same product, instruction set and division of the package, in the order of their first member. */
export const groupsOf = <T extends AvailableGpu>(gpus: readonly T[]): readonly (readonly T[])[] => [
  ...Map.groupBy(gpus, ({ product, gfx, computePartition }) => `${product}/${gfx}/${computePartition}`).values(),
]

const largestMatches = new WeakMap<readonly AvailableGpu[], Map<string, readonly AvailableGpu[]>>()

/** The largest group that a profile's `gpu` names; empty when there is none. Kept, because thousands of profiles ask it of one machine. */
export const largestMatch = (gpus: readonly AvailableGpu[], pattern: string): readonly AvailableGpu[] =>
  largestMatches.getOrInsertComputed(gpus, () => new Map()).getOrInsertComputed(pattern, () => largestOf(gpus, pattern))

const largestOf = (gpus: readonly AvailableGpu[], pattern: string): readonly AvailableGpu[] =>
  groupsOf(gpus.filter((gpu) => matches(gpu, pattern))).reduce((best, group) => (group.length > best.length ? group : best), [])

/**
 * The GPUs a profile would run on: the first of one group, those only that `holds` says can carry their share, known sizes before unknown
 * ones. Undefined when no group has enough. More GPUs never turn an answer into none, because each is judged by itself.
 */
export const place = <T extends AvailableGpu>(
  { gpu, gpuCount }: Pick<Profile, 'gpu' | 'gpuCount'>,
  gpus: readonly T[],
  holds: (gpu: T) => boolean,
): readonly T[] | undefined => {
  if (gpuCount === 0) return []
  const able = gpus.filter((candidate) => matches(candidate, gpu) && holds(candidate))
  const ordered = [...able.filter(({ vramBytes }) => vramBytes !== undefined), ...able.filter(({ vramBytes }) => vramBytes === undefined)]
  return groupsOf(ordered)
    .find((group) => group.length >= gpuCount)
    ?.slice(0, gpuCount)
}
