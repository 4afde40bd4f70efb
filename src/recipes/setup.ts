/** From an engine's arguments to what the fit asks for. */

import type { Setup } from '../model/fit.ts'
import { isRecord, type Json, parseJson } from '../std/json.ts'
import { decimal, wholeNumber } from './numbers.ts'
import { shardingOf } from './parallel.ts'
import type { AvailableGpu } from './question.ts'

/** Tokens that one request must be able to hold where the context is cut to what fits; fewer serve nobody. */
const smallestUsefulContext = 4096

/** Engine arguments by canonical long name, as a recipe has them or as words of a command line were read. */
export type Arguments = Readonly<Record<string, Json>>

/** Tokens of one request that the engine insists on: the largest length given, the model's own when none is, or what is useful with `auto`. */
export const requiredContext = (args: Arguments, own: number | undefined): number | undefined => {
  const given = args['max-model-len'] ?? undefined
  if (given === undefined) return own
  return wholeNumber(given) ?? Math.min(smallestUsefulContext, own ?? smallestUsefulContext)
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

/** Where the arguments are to run: `gpu` is one of `gpuCount` equal ones. Lengths are tokens; `growth` as in `precision.ts`. */
export type Place = {
  readonly gpu: AvailableGpu & { readonly vramBytes: number }
  readonly gpuCount: number
  readonly ownContext?: number | undefined
  readonly engineVersion?: string | undefined
  readonly environment?: Readonly<Record<string, string>>
  readonly growth: number
}

/** What the arguments give the model, in the fit's words. */
export const setupFor = (args: Arguments, { gpu, gpuCount, ownContext, engineVersion, environment = {}, growth }: Place): Setup => {
  const guesses = guessesOf(args['speculative-config'])
  return defined({
    ...Object.fromEntries(Object.entries(numbers).map(([key, name]) => [key, wholeNumber(args[name])])),
    ...{ vramBytes: gpu.vramBytes, gfx: gpu.gfx, product: gpu.product, engineVersion, growth },
    tensor: shardingOf(args, gpuCount).tensor,
    utilization: decimal(args['gpu-memory-utilization']),
    contextLength: requiredContext(args, ownContext),
    cacheType: word(args['kv-cache-dtype']),
    blockAlignment: /AITER_UNIFIED/.test(word(args['attention-backend']) ?? environment.VLLM_ATTENTION_BACKEND ?? '') ? 64 : undefined,
    expertParallel: isOn(args, 'enable-expert-parallel') === true,
    eager: isOn(args, 'enforce-eager') === true,
    languageOnly: isOn(args, 'language-model-only') === true,
    prefixCaching: isOn(args, 'enable-prefix-caching'),
    speculativeTokens: wholeNumber(guesses?.num_speculative_tokens),
    drafting: guesses !== undefined && /mtp/.test(word(guesses.method) ?? ''),
  })
}

/** A switch that was set either way: `x: true`, `x: false`, or `no-x: true` as the words of a command line have it. */
const isOn = (args: Arguments, name: string): boolean | undefined => {
  if (args[`no-${name}`] === true) return false
  const value = args[name]
  return typeof value === 'boolean' ? value : undefined
}

const guessesOf = (value: Json | undefined): Readonly<Record<string, Json>> | undefined => {
  const read = typeof value === 'string' ? parseJson(value) : value
  return isRecord(read) ? (read as Readonly<Record<string, Json>>) : undefined
}

const word = (value: Json | undefined): string | undefined => (typeof value === 'string' ? value : undefined)

type Maybe<T> = { readonly [K in keyof T]: T[K] | undefined }

const defined = (setup: Maybe<Setup>): Setup =>
  Object.fromEntries(Object.entries(setup).filter(([, value]) => value !== undefined)) as unknown as Setup
