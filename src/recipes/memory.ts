import type { ModelFacts } from '../model/facts.ts'
import { type Fit, fit, type Setup } from '../model/fit.ts'
import { isRecord, type Json } from '../std/json.ts'
import { decimal, wholeNumber } from './numbers.ts'
import { shardingOf } from './parallel.ts'
import { dtypeNames, growth } from './precision.ts'
import type { Profile } from './profile.ts'
import type { AvailableGpu, Question } from './question.ts'

/** Tokens that one request must be able to hold where the context is cut to what fits; fewer serve nobody. */
const smallestUsefulContext = 4096

/** Arguments after which a weight's place or size is not what the files say. */
const unpredictable = ['cpu-offload-gb', 'offload-backend', 'quantization', 'num-gpu-blocks-override'] as const

type Arguments = Readonly<Record<string, Json>>

/** A profile's arguments with the user's over them. */
export const effectiveArguments = (profile: Profile, { overrides }: Question): Arguments => ({
  ...profile.arguments,
  ...overrides,
})

/** Tokens of one request that the engine insists on: the largest length given, the model's own when none is, or what is useful with `auto`. */
export const requiredContext = (args: Arguments, own: number | undefined): number | undefined => {
  const given = args['max-model-len'] ?? undefined
  if (given === undefined) return own
  return wholeNumber(given) ?? Math.min(smallestUsefulContext, own ?? smallestUsefulContext)
}

/**
 * What is known of the weights that a profile loads: what was found, else what its recipe says they take; undefined when neither says.
 * vLLM converts unquantized formats while loading, so one of 16 bits stands for the other.
 */
export const factsFor = ({ precision, recipe }: Profile, { facts }: Question): ModelFacts | undefined => {
  if (recipe === undefined || facts?.weightsBytes !== undefined || facts?.shape !== undefined) return facts
  const { weights, task } = recipe
  const weightsBytes = weights[precision] ?? (dtypeNames[precision] === undefined ? undefined : (weights.bf16 ?? weights.fp16))
  return weightsBytes === undefined ? facts : { task, precision, ...facts, weightsBytes }
}

/** How a profile fits on one GPU; undefined when the weights, the GPU's memory or what the arguments do is not known. */
export const fitOn = (profile: Profile, question: Question, gpu: AvailableGpu): Fit | undefined => {
  const args = effectiveArguments(profile, question)
  if (unpredictable.some((name) => (args[name] ?? null) !== null)) return undefined
  const facts = factsFor(profile, question)
  if (gpu.vramBytes === undefined || facts === undefined) return undefined
  return fit(facts, setupOf(profile, { ...question, facts }, args, gpu, gpu.vramBytes))
}

/** Numbers that an argument may be given as. */
const numbers = {
  pipeline: 'pipeline-parallel-size',
  data: 'data-parallel-size',
  decodeContext: 'decode-context-parallel-size',
  batchedTokens: 'max-num-batched-tokens',
  sequences: 'max-num-seqs',
  blockSize: 'block-size',
  cacheBytes: 'kv-cache-memory-bytes',
} as const

/** What a profile gives the model, in the fit's words. */
const setupOf = (profile: Profile, { facts, engineVersion }: Question, args: Arguments, gpu: AvailableGpu, vramBytes: number): Setup => {
  const context = requiredContext(args, facts?.contextLength)
  const { tensor } = shardingOf(args, profile.gpuCount)
  const guesses = isRecord(args['speculative-config']) ? args['speculative-config'] : undefined
  return defined({
    ...Object.fromEntries(Object.entries(numbers).map(([key, name]) => [key, wholeNumber(args[name])])),
    vramBytes,
    tensor,
    gfx: gpu.gfx,
    engineVersion,
    utilization: decimal(args['gpu-memory-utilization']),
    contextLength: context,
    cacheType: word(args['kv-cache-dtype']),
    blockAlignment: /AITER_UNIFIED/.test(word(args['attention-backend']) ?? profile.environment.VLLM_ATTENTION_BACKEND ?? '')
      ? 64
      : undefined,
    expertParallel: args['enable-expert-parallel'] === true,
    eager: args['enforce-eager'] === true,
    languageOnly: args['language-model-only'] === true,
    prefixCaching: typeof args['enable-prefix-caching'] === 'boolean' ? args['enable-prefix-caching'] : undefined,
    speculativeTokens: wholeNumber(guesses?.num_speculative_tokens),
    drafting: guesses !== undefined && /mtp/.test(word(guesses.method) ?? ''),
    growth: growth(facts?.precision, profile.precision),
  })
}

const word = (value: Json | undefined): string | undefined => (typeof value === 'string' ? value : undefined)

type Maybe<T> = { readonly [K in keyof T]: T[K] | undefined }

const defined = (setup: Maybe<Setup>): Setup =>
  Object.fromEntries(Object.entries(setup).filter(([, value]) => value !== undefined)) as unknown as Setup
