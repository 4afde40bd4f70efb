import { matches } from './place.ts'
import { type Precision, type Profile, profileTypes } from './profile.ts'
import type { Question } from './question.ts'

/** AMD's order: the narrowest first, because a profile in it was made to be used. */
const precisionOrder: readonly Precision[] = ['int4', 'int8', 'fp4', 'fp8', 'fp16', 'bf16', 'fp32']

/** One thing that profiles are ordered by: the smaller key goes first; `words` names a profile's side of it. */
type Criterion = { readonly key: (profile: Profile) => number; readonly words: (profile: Profile) => string }

const criteria = (question: Question, sources: ReadonlyMap<string, number>, layers: ReadonlyMap<string, number>): readonly Criterion[] => [
  { key: ({ gpuCount }) => Number(gpuCount === 0), words: ({ gpuCount }) => (gpuCount === 0 ? 'the CPU' : 'a GPU') },
  // AMD would not take these at all, so they give way to everybody.
  {
    key: (profile) => Number(profile.amd !== undefined && profile.model === undefined && !isExact(profile, question)),
    words: ({ gpuCount }) => (gpuCount === question.gpus.length ? 'all GPUs' : `${gpuCount} of them`),
  },
  { key: (profile) => layers.get(placeOf(profile)) ?? 0, words: placeOf },
  {
    key: (profile) => standing(profile, question),
    words: (profile) => `${kindOf(profile)}${profile.amd === undefined || isExact(profile, question) ? '' : ' on some of the GPUs'}`,
  },
  { key: (profile) => sources.get(placeOf(profile)) ?? 0, words: placeOf },
  // Where AMD has a profile it takes the narrower, then the surer.
  { key: ({ amd, precision }) => (amd === undefined ? 0 : precisionOrder.indexOf(precision)), words: ({ precision }) => precision },
  { key: ({ type }) => profileTypes.indexOf(type), words: ({ type }) => type },
  { key: ({ metric }) => Number(metric !== (question.metric ?? 'latency')), words: ({ metric }) => metric },
  { key: ({ precision }) => precisionOrder.indexOf(precision), words: ({ precision }) => precision },
  { key: ({ gpuCount }) => gpuCount, words: ({ gpuCount }) => `${gpuCount} GPU${gpuCount === 1 ? '' : 's'}` },
  {
    key: ({ gpu }) => Number(!question.gpus.some(({ product }) => matches({ ...(product === undefined ? {} : { product }) }, gpu))),
    words: ({ gpu }) => gpu,
  },
]

/** Whether a profile is for just as many GPUs as AMD's runtime would look for. */
const isExact = ({ gpuCount }: Profile, { count, sought, gpus }: Question): boolean =>
  gpuCount === (count === 'auto' ? (sought ?? gpus.length) : count)

const kindOf = ({ model, amd }: Profile): string =>
  amd?.tree === 'custom' ? 'a custom profile' : model === undefined ? 'a general profile' : "the model's own"

/**
 * AMD's path priority: custom, the model's own, general. It takes a profile for exactly the GPUs that are there; one for some of them stands
 * behind these, and before a general one for all.
 */
const standing = (profile: Profile, question: Question): number => {
  const { model, amd } = profile
  if (amd?.tree !== 'custom' && model === undefined) return 4
  return Number(amd?.tree !== 'custom') + (amd === undefined || isExact(profile, question) ? 0 : 2)
}

const placeOf = ({ source, amd }: Profile): string => amd?.root ?? source

/**
 * The order of the trees: each of AMD's is one, and so is each run of recipes before, between and behind them. A whole tree goes before the
 * next, its general profiles too, because that is what whoever mounts it expects of it.
 */
const layersOf = (catalog: readonly Profile[]): ReadonlyMap<string, number> => {
  let [layer, root]: [number, string | undefined] = [0, catalog[0]?.amd?.root]
  const layers = new Map<string, number>()
  for (const profile of catalog) {
    if (profile.amd?.root !== root) [layer, root] = [layer + 1, profile.amd?.root]
    if (!layers.has(placeOf(profile))) layers.set(placeOf(profile), layer)
  }
  return layers
}

/** Says which of two profiles goes first (negative: the first), and why in words. */
export type Ranking = {
  readonly compare: (a: Profile, b: Profile) => number
  /** `optimized before preview`; undefined when only their place in the catalog tells them apart. */
  readonly difference: (better: Profile, worse: Profile) => string | undefined
}

/**
 * The order among profiles that pass every hard test: GPUs before the CPU, a tree of AMD's before what comes behind it; AMD's custom profiles,
 * the model's own, general ones; directories in the order they were read; then type, metric, precision, the fewest GPUs and the most specific GPU name. Profiles in AMD's format keep
 * AMD's order within their directory. Equal ones keep the catalog's order.
 */
export const rankingFor = (question: Question, catalog: readonly Profile[]): Ranking => {
  const sources = new Map([...new Set(catalog.map(placeOf))].map((source, at) => [source, at]))
  const order = criteria(question, sources, layersOf(catalog))
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
