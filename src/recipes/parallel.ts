import type { Json } from '../std/json.ts'
import { wholeNumber } from './numbers.ts'

type Arguments = Readonly<Record<string, Json>>

const sizes = ['tensor-parallel-size', 'pipeline-parallel-size', 'data-parallel-size'] as const

/** GPUs that the arguments ask for: tensor x pipeline x data parallel; undefined when they name none of the three. */
export const gpusAskedBy = (args: Arguments): number | undefined => {
  const given = sizes.map((name) => wholeNumber(args[name])).filter((size) => size !== undefined)
  return given.length === 0 ? undefined : given.reduce((product, size) => product * size, 1)
}

/** How an engine on `gpuCount` GPUs divides them: ways that heads are split, and GPUs that share one copy of the weights. */
export const shardingOf = (args: Arguments, gpuCount: number): { readonly tensor: number; readonly gpusPerCopy: number } => {
  const pipeline = wholeNumber(args['pipeline-parallel-size']) ?? 1
  const gpusPerCopy = Math.max(1, Math.floor(gpuCount / (wholeNumber(args['data-parallel-size']) ?? 1)))
  return { tensor: wholeNumber(args['tensor-parallel-size']) ?? Math.max(1, Math.floor(gpusPerCopy / pipeline)), gpusPerCopy }
}
