import type { Gpu, Inventory } from '../hardware/inventory.ts'
import { fitOn } from '../recipes/memory.ts'
import { place } from '../recipes/place.ts'
import type { Profile } from '../recipes/profile.ts'
import type { Question } from '../recipes/question.ts'
import { describeHidden } from './refusal.ts'
import type { Request } from './request.ts'

/** The GPUs a launch uses, in index order, and why these. */
export type GpuChoice = { readonly gpus: readonly Gpu[]; readonly reasons: readonly string[] }

/** The first GPUs of one kind that the profile is for and fits on; the others stay idle. */
export const chooseGpus = (
  profile: Profile,
  question: Question,
  usable: readonly Gpu[],
  inventory: Inventory,
  request: Request,
): GpuChoice => {
  const placed = place(profile, usable, (gpu) => fitOn(profile, question, gpu)?.fits !== false) ?? []
  const gpus = placed.toSorted((a, b) => a.index - b.index)
  const idle = usable.filter(({ index }) => !gpus.some((gpu) => gpu.index === index))
  return {
    gpus,
    reasons: [
      ...(request.gpuModel === undefined ? [] : [`the GPUs are taken for ${request.gpuModel}, as asked for`]),
      ...(gpus.length === 0 ? [] : [`uses GPU ${indices(gpus)}: the first of one kind that fit`]),
      ...(idle.length === 0 ? [] : [`leaves GPU ${indices(idle)} idle: the profile is for ${profile.gpuCount}`]),
      ...describeHidden(inventory),
    ],
  }
}

const indices = (gpus: readonly Gpu[]): string => gpus.map(({ index }) => index).join(', ')

/**
 * The mask for a choice of some of the usable GPUs; nothing when all are used, or none. HIP counts what ROCR leaves visible, so a GPU's
 * index is right as it is, unless a mask of the user made the indices: then it is that mask's entry. vLLM refuses HIP_VISIBLE_DEVICES and
 * CUDA_VISIBLE_DEVICES that differ, so a user's CUDA mask is narrowed with it.
 */
export const visibleDevices = (
  gpus: readonly Gpu[],
  usable: readonly Gpu[],
  given: Readonly<Record<string, string>>,
): Readonly<Record<string, string>> => {
  if (gpus.length === 0 || gpus.length === usable.length) return {}
  const { HIP_VISIBLE_DEVICES: hip, CUDA_VISIBLE_DEVICES: cuda } = given
  const entries = (hip || cuda || '').split(',').map((entry) => entry.trim())
  // Entries that named no GPU stand at the end: the library stops at the first.
  const named = hip || cuda ? (index: number) => entries[index] ?? String(index) : String
  const mask = gpus.map(({ index }) => named(index)).join(',')
  return { HIP_VISIBLE_DEVICES: mask, ...(cuda ? { CUDA_VISIBLE_DEVICES: mask } : {}) }
}
