import type { EngineInput } from '../engine/adapter.ts'
import { canonicalName, valuesOf } from '../engine/arguments.ts'
import { wholeNumber } from '../recipes/numbers.ts'
import { shardingOf } from '../recipes/parallel.ts'
import type { Profile } from '../recipes/profile.ts'
import type { Json } from '../std/json.ts'
import type { Request } from './request.ts'

type Arguments = Readonly<Record<string, Json>>

/** vLLM's short flags that say how much memory and how many GPUs it takes. */
const shortNames: Readonly<Record<string, string>> = {
  '-tp': 'tensor-parallel-size',
  '-pp': 'pipeline-parallel-size',
  '-dp': 'data-parallel-size',
  '-q': 'quantization',
}

/** What extra words set, by canonical long name; the last of a name counts, as argparse has it. */
export const readWords = (words: readonly string[]): Arguments => {
  const values: Record<string, Json> = {}
  for (const [at, word] of words.entries()) {
    const [flag = '', inline] = word.split(/=(.*)/s)
    const name = shortNames[flag] ?? (flag.startsWith('--') ? canonicalName(flag) : undefined)
    const next = words[at + 1]
    const following = next === undefined || /^-[^\d]/.test(next) ? true : next
    if (name !== undefined) values[name] = inline ?? following
  }
  return values
}

/** Everything the user said about arguments, by canonical name: the largest length, then AIM_ENGINE_ARGS over it. */
const asked = ({ maxModelLength, engineArguments }: Request): Arguments => ({
  ...(maxModelLength === undefined ? {} : { 'max-model-len': maxModelLength }),
  ...Object.fromEntries(Object.entries(engineArguments).map(([name, value]) => [canonicalName(name), value])),
})

/** What will override a profile's arguments, extra words included: what a choice has to reckon with. */
export const overridesOf = (request: Request): Arguments => ({ ...asked(request), ...readWords(request.extraArguments) })

/** The engine's input without its model path, and a sentence for each argument of the profile that was replaced. */
export type Merged = { readonly input: Omit<EngineInput, 'command' | 'modelPath'>; readonly reasons: readonly string[] }

/**
 * Profile < largest length < AIM_ENGINE_ARGS < extra words, each argument as a whole. Names, host and port given as arguments become the
 * input's own, so that no two places disagree; tensor parallelism is added where several GPUs are used and nobody said how.
 */
export const mergeArguments = (profile: Profile, request: Request): Merged => {
  const user = asked(request)
  const words = readWords(request.extraArguments)
  const { 'served-model-name': names, host, port, ...given } = { ...profile.arguments, ...user }
  // Said twice, an argument would make the engine warn.
  const engine = Object.fromEntries(
    Object.entries(given).filter(([name]) => words[name] === undefined && words[`no-${name}`] === undefined),
  )
  const tensor = tensorParallel({ ...engine, ...words }, profile.gpuCount)
  return {
    input: {
      servedNames: servedNames(names, profile, request),
      host: typeof host === 'string' ? host : request.host,
      port: wholeNumber(port) ?? request.port,
      arguments: { ...engine, ...tensor },
      extraArguments: request.extraArguments,
    },
    reasons: replaced(profile, { ...user, ...words }),
  }
}

const tensorParallel = (args: Arguments, gpuCount: number): Arguments => {
  if ((args['tensor-parallel-size'] ?? null) !== null || gpuCount < 2) return {}
  const { tensor } = shardingOf(args, gpuCount)
  return tensor > 1 ? { 'tensor-parallel-size': tensor } : {}
}

/** As vLLM will have them; by default first the checkpoint that stands in for the model, then the model, in the order of AMD's images. */
const servedNames = (names: Json | undefined, { checkpoint }: Profile, request: Request): readonly string[] => {
  const words = valuesOf(request.extraArguments, 'served-model-name')
  if (words !== undefined) return words
  const given = (Array.isArray(names) ? names : [names]).filter((name) => typeof name === 'string')
  if (given.length > 0) return given
  const own = request.servedNames.length > 0 ? request.servedNames : [request.model]
  const isDefault = own.length === 1 && own[0] === request.model
  return isDefault && checkpoint !== undefined ? [checkpoint, ...own] : own
}

const replaced = (profile: Profile, user: Arguments): readonly string[] =>
  Object.entries(user).map(([name, value]) => {
    const had = profile.arguments[name] !== undefined
    if (value === null) return `${name} is left out, as asked for`
    return had ? `${name} is as asked for, not the profile's ${JSON.stringify(profile.arguments[name])}` : `${name} is as asked for`
  })
