import { matches } from './place.ts'
import { type Precision, type Profile, profileTypes } from './profile.ts'
import type { Question } from './question.ts'

/** AMD's order: the narrowest first, because a profile in it was made to be used. */
const precisionOrder: readonly Precision[] = ['int4', 'int8', 'fp4', 'fp8', 'fp16', 'bf16', 'fp32']

/** One thing that profiles are ordered by: the smaller key goes first; `words` names a profile's side of it. */
type Criterion = { readonly key: (profile: Profile) => number; readonly words: (profile: Profile) => string }

const criteria = (question: Question, sources: ReadonlyMap<string, number>): readonly Criterion[] => [
  { key: ({ gpuCount }) => Number(gpuCount === 0), words: ({ gpuCount }) => (gpuCount === 0 ? 'the CPU' : 'a GPU') },
  {
    key: ({ model }) => Number(model === undefined),
    words: ({ model }) => (model === undefined ? 'a general profile' : "the model's own"),
  },
  { key: ({ source }) => sources.get(source) ?? 0, words: ({ source }) => source },
  { key: ({ type }) => profileTypes.indexOf(type), words: ({ type }) => type },
  { key: ({ metric }) => Number(metric !== (question.metric ?? 'latency')), words: ({ metric }) => metric },
  { key: ({ precision }) => precisionOrder.indexOf(precision), words: ({ precision }) => precision },
  { key: ({ gpuCount }) => gpuCount, words: ({ gpuCount }) => `${gpuCount} GPU${gpuCount === 1 ? '' : 's'}` },
  {
    key: ({ gpu }) => Number(!question.gpus.some(({ product }) => matches({ ...(product === undefined ? {} : { product }) }, gpu))),
    words: ({ gpu }) => gpu,
  },
]

/** Says which of two profiles goes first (negative: the first), and why in words. */
export type Ranking = {
  readonly compare: (a: Profile, b: Profile) => number
  /** `optimized before preview`; undefined when only their place in the catalog tells them apart. */
  readonly difference: (better: Profile, worse: Profile) => string | undefined
}

/**
 * The order among profiles that pass every hard test: GPUs before the CPU, the model's own before general ones, directories in the order
 * they were read, type, metric, precision, then the fewest GPUs and the most specific GPU name. Equal ones keep the catalog's order.
 */
export const rankingFor = (question: Question, catalog: readonly Profile[]): Ranking => {
  const sources = new Map([...new Set(catalog.map(({ source }) => source))].map((source, at) => [source, at]))
  const order = criteria(question, sources)
  const deciding = (a: Profile, b: Profile) => order.find(({ key }) => key(a) !== key(b))
  return {
    compare: (a, b) => {
      const criterion = deciding(a, b)
      return criterion === undefined ? 0 : criterion.key(a) - criterion.key(b)
    },
    difference: (better, worse) => {
      const criterion = deciding(better, worse)
      return criterion === undefined ? undefined : `${criterion.words(better)} before ${criterion.words(worse)}`
    },
  }
}
