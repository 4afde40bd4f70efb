/**
 * What torch's allocator adds to weights. A tensor of 10 MiB or more gets a segment rounded up to 2 MiB, and what is left of it counts as
 * allocated where it is too small to be of use to another (c10/cuda/CUDACachingAllocator.cpp `get_allocation_size`, `should_split`). Without
 * it a log says up to 2 % more than the tensors: Qwen3 14B in FP8 15.3388 GiB, of which 0.1179 are such remainders.
 */

import type { FormatOf } from './formats.ts'
import type { Tensor } from './tensors.ts'
import { type Part, partOf, type Split, splitOf } from './weights-split.ts'

/** Equal tensors as vLLM allocates them: several matrices that read the same input are one. `bytes` are undivided, by how they divide. */
export type Allocation = {
  readonly part: Part
  readonly pieces: readonly { readonly split: Split; readonly bytes: number }[]
  readonly count: number
}

/** Matrices that vLLM's layers hold as one tensor (`QKVParallelLinear`, `MergedColumnParallelLinear`, `FusedMoE`). */
const fused: readonly (readonly [RegExp, string])[] = [
  [/\b[qkv]_proj$/, 'qkv_proj'],
  [/\b(?:gate|up)_proj$/, 'gate_up_proj'],
  [/\bin_proj_(?:qkv|z)$/, 'in_proj_qkvz'],
  [/\b(?:q_a_proj|kv_a_proj_with_mqa)$/, 'fused_qkv_a_proj'],
]

const fusedName = (name: string): string => {
  const rule = fused.find(([pattern]) => pattern.test(name))
  return rule === undefined ? name : name.replace(...rule)
}

const mib = 2 ** 20

/** Tensors below this share segments of 20 MiB. */
const ownSegment = 10 * mib

/** The tensors of a decoder that are large enough to have a segment of their own undivided. */
export const allocationsOf = (tensors: readonly Tensor[], layers: number, formatOf: FormatOf): readonly Allocation[] => {
  const found = new Map<string, Allocation>()
  for (const [name, members] of Map.groupBy(tensors, ({ name: own }) => fusedName(own))) {
    const experts = splitOf(name) === 'expert'
    const pieces = members.map(({ name: own, rows, columns, copies }) => ({
      split: splitOf(own),
      bytes: rows * columns * (experts ? copies : 1) * elementBytes(formatOf(own).element),
    }))
    if (pieces.reduce((sum, { bytes }) => sum + bytes, 0) < ownSegment) continue
    const [part, amount] = [partOf(name, layers), experts ? 1 : Math.max(...members.map(({ copies }) => copies))]
    const key = JSON.stringify([part, pieces])
    found.set(key, { part, pieces, count: (found.get(key)?.count ?? 0) + amount })
  }
  return [...found.values()]
}

/** Of the tensor itself: its scales are tensors of their own, and small. */
const elementBytes = (element: number): number => (element < 1 ? 0.5 : Math.floor(element))

/** What is left of a tensor's segment and not given to another; `whole`: whatever is left, as torch has it since 2.10. */
export const remainderOf = (bytes: number, whole: boolean): number => {
  if (bytes < ownSegment) return 0
  const rest = Math.ceil(bytes / (2 * mib)) * 2 * mib - bytes
  return whole || rest <= mib ? rest : 0
}
