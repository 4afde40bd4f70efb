import { type Budget, type Fit, roughFit } from '../model/fit.ts'
import type { Json } from '../std/json.ts'
import { decimal, wholeNumber } from './numbers.ts'
import { shardingOf } from './parallel.ts'
import { growth } from './precision.ts'
import type { Profile } from './profile.ts'
import type { AvailableGpu, Question } from './question.ts'

/** vLLM's own `--gpu-memory-utilization` (vllm/config/cache.py, since 0.21). */
export const defaultUtilization = 0.92

/** Tokens that one request must be able to hold where the context is cut to what fits; fewer serve nobody. */
const smallestUsefulContext = 4096

/** Arguments after which a weight's place or size is not what the files say. */
const unpredictable = ['cpu-offload-gb', 'offload-backend', 'quantization', 'kv-cache-memory-bytes', 'num-gpu-blocks-override'] as const

/** A profile's arguments with the user's over them. */
export const effectiveArguments = (profile: Profile, { overrides }: Question): Readonly<Record<string, Json>> => ({
  ...profile.arguments,
  ...overrides,
})

/** Tokens of one request that the engine insists on: the largest length given, the model's own when none is, or what is useful with `auto`. */
export const requiredContext = (args: Readonly<Record<string, Json>>, own: number | undefined): number | undefined => {
  const given = args['max-model-len'] ?? undefined
  if (given === undefined) return own
  return wholeNumber(given) ?? Math.min(smallestUsefulContext, own ?? smallestUsefulContext)
}

/** How a profile fits on one GPU; undefined when the weights, the GPU's memory or what the arguments do is not known. */
export const fitOn = (profile: Profile, question: Question, { vramBytes }: AvailableGpu): Fit | undefined => {
  const args = effectiveArguments(profile, question)
  if (unpredictable.some((name) => (args[name] ?? null) !== null)) return undefined
  const weightsBytes = question.facts?.weightsBytes
  if (vramBytes === undefined || weightsBytes === undefined) return undefined
  return roughFit(budgetOf(profile, question, args, { vramBytes, weightsBytes }))
}

const budgetOf = (
  { gpuCount, precision }: Profile,
  { facts }: Question,
  args: Readonly<Record<string, Json>>,
  { vramBytes, weightsBytes }: { readonly vramBytes: number; readonly weightsBytes: number },
): Budget => {
  const context = requiredContext(args, facts?.contextLength)
  return {
    vramBytes,
    weightsBytes: weightsBytes * growth(facts?.precision, precision),
    gpuCount: shardingOf(args, gpuCount).gpusPerCopy,
    utilization: decimal(args['gpu-memory-utilization']) ?? defaultUtilization,
    ...(facts?.kvBytesPerToken === undefined ? {} : { kvBytesPerToken: facts.kvBytesPerToken * kvFactor(args['kv-cache-dtype']) }),
    ...(facts?.kvHeads === undefined ? {} : { kvHeads: facts.kvHeads }),
    ...(context === undefined ? {} : { contextLength: context }),
  }
}

/** An 8-bit KV cache takes half of what 16 bits do; narrower ones are counted as 8. */
const kvFactor = (type: Json | undefined): number => (typeof type === 'string' && /^(?:fp8|int8|int4|nvfp4)/.test(type) ? 0.5 : 1)
