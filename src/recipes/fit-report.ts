/** The answer to "does this fit there": the fit itself, what stands in its way, and what would change it. */

import type { NamedCard } from '../hardware/card-names.ts'
import type { ModelFacts } from '../model/facts.ts'
import { type Fit, fit, type Setup, type Verdict } from '../model/fit.ts'
import { headsDivide } from '../model/heads.ts'
import { growth, supports } from './precision.ts'
import { type Precision, precisions } from './profile.ts'
import { type Roofline, rooflineOf } from './roofline.ts'
import { type Arguments, setupFor } from './setup.ts'

/** What is asked: a model, `gpuCount` equal GPUs, the engine's arguments by canonical long name. */
export type FitQuestion = {
  readonly model: string
  readonly facts: ModelFacts
  /** The same model with its weights converted to 8 bits while loading, where that is possible. */
  readonly converted?: ModelFacts
  readonly card: NamedCard
  readonly gpuCount: number
  readonly engineVersion?: string
  readonly arguments: Arguments
}

/** Another setup and what it would bring; `words` are the options that ask for it. */
export type Change = {
  readonly words: string
  readonly verdict: Verdict
  readonly kvBytes: number
  readonly safeContext?: number
  readonly largestContext?: number
  readonly concurrency?: number
}

/** The whole answer. `tokensPerSecond` is the roofline with an empty KV cache, `roofline` both ends of it. */
export type FitReport = FitQuestion & {
  readonly setup: Setup
  readonly fit: Fit
  /** Why it cannot run whatever the memory, as sentences; the verdict is then `no`. */
  readonly obstacles: readonly string[]
  readonly changes: readonly Change[]
  readonly tokensPerSecond?: number
  readonly roofline?: Roofline
}

/** Answers; undefined when nothing is known of the weights. */
export const fitReport = (question: FitQuestion): FitReport | undefined => {
  const setup = setupOf(question)
  const answer = fit(question.facts, setup)
  if (answer === undefined) return undefined
  const obstacles = obstaclesTo(question, setup)
  const judged = obstacles.length === 0 ? answer : { ...answer, verdict: 'no' as const, fits: false }
  const rate = rooflineOf(question.card.product, question.facts, setup.tensor, judged)
  return {
    ...question,
    ...{ setup, fit: judged, obstacles },
    changes: changesFor(question, setup, judged),
    ...(rate === undefined ? {} : { tokensPerSecond: rate.empty, roofline: rate }),
  }
}

const setupOf = ({ facts, card, gpuCount, engineVersion, arguments: args }: FitQuestion): Setup => ({
  ...setupFor(args, { gpu: card, gpuCount, engineVersion, ownContext: facts.contextLength, growth: growthOf(facts, args) }),
  ...(card.unified === undefined ? {} : { unified: card.unified }),
})

const byDtype: Readonly<Record<string, Precision>> = { float16: 'fp16', half: 'fp16', bfloat16: 'bf16', float32: 'fp32', float: 'fp32' }

/** vLLM loads 32-bit checkpoints in 16 bits unless `--dtype` says otherwise; what was counted from the architecture is 16 bits already. */
const growthOf = ({ precision, shape }: ModelFacts, args: Arguments): number => {
  const asked = byDtype[String(args.dtype)]
  const own = precisions.find((name) => name === precision)
  if (own === undefined) return 1
  return growth(shape?.source === 'architecture' && own === 'fp32' ? 'bf16' : own, asked ?? (own === 'fp32' ? 'bf16' : own))
}

const obstaclesTo = ({ facts, card, gpuCount }: FitQuestion, { tensor, pipeline = 1, data = 1 }: Setup): readonly string[] => {
  const ranks = tensor * pipeline * data
  const { attentionHeads, kvHeads } = facts
  const precision = precisions.find((name) => name === facts.precision)
  return [
    ...(headsDivide(facts, tensor)
      ? []
      : [`tensor parallelism over ${tensor} GPUs does not divide ${attentionHeads} attention heads and ${kvHeads} KV heads evenly`]),
    ...(ranks > gpuCount
      ? [`the arguments use ${ranks} GPUs (tensor ${tensor} x pipeline ${pipeline} x data ${data}); there are ${gpuCount}`]
      : []),
    ...(card.gfx !== 'cuda' && precision !== undefined && supports(card.gfx, precision) === false
      ? [`${card.gfx} cannot compute in ${precision}`]
      : []),
  ]
}

const ranking: Readonly<Record<Verdict, number>> = { no: 0, likely: 1, fits: 2 }

/** The setups beside this one that are better: a surer verdict, or a twentieth more requests at once. The surest first. */
const changesFor = (question: FitQuestion, setup: Setup, now: Fit): readonly Change[] =>
  candidates(question, setup, now)
    .flatMap(([words, asked]) => tried(words, asked))
    .filter(({ verdict, concurrency = 0 }) =>
      ranking[verdict] === ranking[now.verdict]
        ? verdict !== 'no' && concurrency > 1.05 * (now.concurrency ?? 0)
        : ranking[verdict] > ranking[now.verdict],
    )
    .toSorted((a, b) => ranking[b.verdict] - ranking[a.verdict])

const tried = (words: string, asked: FitQuestion): readonly Change[] => {
  const setup = setupOf(asked)
  const answer = obstaclesTo(asked, setup).length > 0 ? undefined : fit(asked.facts, setup)
  if (answer === undefined) return []
  const { verdict, kvBytes, safeContext, largestContext, concurrency } = answer
  return [{ words, verdict, kvBytes, ...definedOnly({ safeContext, largestContext, concurrency }) }]
}

const definedOnly = (values: { readonly [K in 'safeContext' | 'largestContext' | 'concurrency']: number | undefined }) =>
  Object.fromEntries(Object.entries(values).filter(([, value]) => value !== undefined)) as Partial<Record<keyof typeof values, number>>

type Candidate = readonly [words: string, asked: FitQuestion]

const candidates = (question: FitQuestion, setup: Setup, now: Fit): readonly Candidate[] => {
  const { facts, card, converted } = question
  const withArgument = (name: string, value: string | number | true): Candidate => [
    value === true ? `--${name}` : `--${name} ${value}`,
    { ...question, arguments: { ...question.arguments, [name]: value } },
  ]
  const eightBits = card.gfx === 'cuda' || supports(card.gfx, 'fp8') !== false
  const cacheIsWide = (setup.cacheType ?? 'auto') === 'auto' ? facts.shape?.cacheElementBytes !== 1 : /16/.test(setup.cacheType ?? '')
  const surely = now.safeContext ?? 0
  return [
    ...(now.verdict !== 'fits' && surely >= 1024 ? [withArgument('max-model-len', surely)] : []),
    ...(cacheIsWide && eightBits && setup.cacheBytes === undefined ? [withArgument('kv-cache-dtype', 'fp8')] : []),
    ...((setup.batchedTokens ?? 8192) > 2048 ? [withArgument('max-num-batched-tokens', 2048)] : []),
    ...((setup.utilization ?? 0.92) < 0.95 && setup.cacheBytes === undefined ? [withArgument('gpu-memory-utilization', 0.95)] : []),
    ...(facts.shape?.hasTower && setup.languageOnly !== true ? [withArgument('language-model-only', true)] : []),
    ...(converted === undefined || !eightBits ? [] : [['--quantization fp8', { ...question, facts: converted }] as const]),
    ...moreGpus(question, now),
  ]
}

/** The next sizes up to the first that fits; one alone where it fits already. */
const moreGpus = (question: FitQuestion, now: Fit): readonly Candidate[] => {
  const { 'tensor-parallel-size': _, ...rest } = question.arguments
  const larger = [2, 4, 8, 16]
    .filter((count) => count > question.gpuCount)
    .map((count) => [`--count ${count}`, { ...question, gpuCount: count, arguments: rest }] as const)
    .filter(([, asked]) => obstaclesTo(asked, setupOf(asked)).length === 0)
  const enough = larger.findIndex(([, asked]) => fit(asked.facts, setupOf(asked))?.verdict === 'fits')
  return now.verdict === 'fits' ? larger.slice(0, 1) : larger.slice(0, enough === -1 ? larger.length : enough + 1)
}
