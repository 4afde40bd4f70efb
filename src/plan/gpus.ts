import { chooseSubset, type GpuSubset } from '../hardware/choice.ts'
import type { Gpu, Inventory } from '../hardware/inventory.ts'
import { fitOn } from '../recipes/memory.ts'
import { groupsOf, place } from '../recipes/place.ts'
import type { Profile } from '../recipes/profile.ts'
import type { Question } from '../recipes/question.ts'
import { describeHidden } from './refusal.ts'
import type { Request } from './request.ts'

/** The GPUs a launch uses, in index order, and why these. */
export type GpuChoice = { readonly gpus: readonly Gpu[]; readonly reasons: readonly string[] }

/** What was odd about the machine is part of why; a tree full of garbage would fill the screen. */
const mostOddities = 5

/** The best GPUs of one kind that the profile is for and fits on; the others stay idle. */
export const chooseGpus = (
  profile: Profile,
  question: Question,
  usable: readonly Gpu[],
  inventory: Inventory,
  request: Request,
): GpuChoice => {
  const { gpus, because } = chooseAmong(profile, question, usable)
  const idle = usable.filter(({ index }) => !gpus.some((gpu) => gpu.index === index))
  return {
    gpus,
    reasons: [
      ...(request.gpuModel === undefined ? [] : [`the GPUs are taken for ${request.gpuModel}, as asked for`]),
      ...(gpus.length === 0
        ? []
        : [`uses GPU ${indices(gpus)}: ${because.length === 0 ? 'the first of one kind that fit' : because.join(', ')}`]),
      ...(gpus.length === 0 ? [] : kinds(usable, gpus)),
      ...(idle.length === 0 ? [] : [`leaves GPU ${indices(idle)} idle: the profile is for ${profile.gpuCount}`]),
      ...describeHidden(inventory),
      ...inventory.oddities.slice(0, mostOddities),
    ],
  }
}

// `place` says which kind; of that kind those that go best together are taken.
const chooseAmong = (profile: Profile, question: Question, usable: readonly Gpu[]): GpuSubset<Gpu> => {
  const fits = (gpu: Gpu): boolean => fitOn(profile, question, gpu)?.fits !== false
  const placed = place(profile, usable, fits) ?? []
  const group = groupsOf(usable.filter(fits)).find(
    ([first]) => placed[0] !== undefined && groupsOf([placed[0], first ?? placed[0]]).length === 1,
  )
  // Unknown sizes come last in `place`, and stay out while there are known ones.
  const able = (group ?? placed).filter(({ vramBytes }) => vramBytes !== undefined || placed.some((gpu) => gpu.vramBytes === undefined))
  return chooseSubset(able, placed.length) ?? { gpus: placed, because: [] }
}

/** What the usable GPUs are when they are not all alike, and which kind is used: only equal ones can share a model. */
const kinds = (usable: readonly Gpu[], [first]: readonly Gpu[]): readonly string[] => {
  const groups = groupsOf(usable)
  const isDivided = groups.some(([one]) => one?.computePartition !== first?.computePartition && one?.product === first?.product)
  const name = ({ product, gfx, computePartition }: Gpu): string =>
    [product ?? gfx ?? 'unknown', ...(isDivided && computePartition !== undefined ? [computePartition] : [])].join(' ')
  if (groups.length < 2 || first === undefined) return []
  const list = groups.flatMap((group) => (group[0] === undefined ? [] : [`${group.length}x ${name(group[0])} (GPU ${indices(group)})`]))
  return [`the GPUs are of ${groups.length} kinds: ${list.join(', ')}; one model runs on equal ones only, here ${name(first)}`]
}

const indices = (gpus: readonly Gpu[]): string => gpus.map(({ index }) => index).join(', ')

/**
 * The mask for a choice of some of the usable GPUs; nothing when all are used, or none. It names each by its position among those that ROCR
 * leaves, whatever way a mask of the user named it. vLLM refuses HIP_VISIBLE_DEVICES and CUDA_VISIBLE_DEVICES that differ, so a user's CUDA
 * mask is narrowed with it.
 */
export const visibleDevices = (
  gpus: readonly Gpu[],
  usable: readonly Gpu[],
  given: Readonly<Record<string, string>>,
): Readonly<Record<string, string>> => {
  if (gpus.length === 0 || gpus.length === usable.length) return {}
  const mask = gpus.map(({ ordinal, index }) => ordinal ?? index).join(',')
  return { HIP_VISIBLE_DEVICES: mask, ...(given.CUDA_VISIBLE_DEVICES ? { CUDA_VISIBLE_DEVICES: mask } : {}) }
}
