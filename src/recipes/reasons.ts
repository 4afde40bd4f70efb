import { formatBytes } from '../std/bytes.ts'
import { describeGpus, gpusInWords } from './hard-tests.ts'
import { effectiveArguments, fitOn } from './memory.ts'
import { place } from './place.ts'
import type { Profile } from './profile.ts'
import type { Question } from './question.ts'
import { synthesizedSource } from './synthesize.ts'

/** Why a profile may be used here, one sentence a fact: what it is, what carries it, what its memory looks like. */
export const sentencesFor = (profile: Profile, question: Question): readonly string[] => [
  `${profile.id}: ${profile.type}, ${profile.metric}, ${profile.precision}, ${profile.source === synthesizedSource ? 'from no recipe' : `from ${profile.source}`}`,
  profile.gpuCount === 0
    ? 'it runs on the CPU'
    : `it is for ${gpusInWords(profile.gpuCount)} of kind ${profile.gpu}; here: ${describeGpus(question.gpus)}`,
  ...(profile.gpuCount === 0 ? [] : [memorySentence(profile, question)]),
  ...gateSentence(profile),
]

// It is no hard test: weights in the cache need no token, and only the hub knows who has accepted what.
const gateSentence = ({ model, checkpoint, recipe }: Profile): readonly string[] =>
  recipe?.gated !== true || checkpoint !== undefined
    ? []
    : [
        `${model ?? 'the model'} is gated: the hub gives it to the HF_TOKEN of somebody who has accepted its licence (${recipe.license ?? 'see its page'})`,
      ]

const memorySentence = (profile: Profile, question: Question): string => {
  const [gpu] = place(profile, question.gpus, (candidate) => fitOn(profile, question, candidate)?.fits !== false) ?? []
  const fit = gpu === undefined ? undefined : fitOn(profile, question, gpu)
  if (fit === undefined || gpu?.vramBytes === undefined) return 'whether it fits the memory could not be estimated'
  const cache = effectiveArguments(profile, question)['kv-cache-dtype'] ?? undefined
  const tokens =
    fit.cacheTokens === undefined
      ? ''
      : `, which holds about ${Math.floor(fit.cacheTokens)} tokens${cache === undefined ? '' : ` in ${cache}`}, of one request at most ${fit.largestContext}`
  return (
    `a rough estimate for each GPU of ${formatBytes(gpu.vramBytes)}: ${formatBytes(fit.weightsBytesPerGpu)} of weights, ` +
    `${formatBytes(fit.marginBytes)} kept for the engine, ${formatBytes(Math.max(0, fit.kvBytes))} for the KV cache${tokens}`
  )
}
