import { measuredBy } from '../model/boots.ts'
import type { ModelFacts } from '../model/facts.ts'
import { type Fit, fit, type Setup } from '../model/fit.ts'
import { dtypeNames, growth } from './precision.ts'
import type { Profile } from './profile.ts'
import type { AvailableGpu, Question } from './question.ts'
import { type Arguments, setupFor } from './setup.ts'

/** Arguments after which a weight's place or size is not what the files say. */
const unpredictable = ['cpu-offload-gb', 'offload-backend', 'quantization', 'num-gpu-blocks-override'] as const

/** A profile's arguments with the user's over them. */
export const effectiveArguments = (profile: Profile, { overrides }: Question): Arguments => ({
  ...profile.arguments,
  ...overrides,
})

/**
 * What is known of the weights that a profile loads: what was found, else what its recipe says they take; undefined when neither says.
 * vLLM converts unquantized formats while loading, so one of 16 bits stands for the other.
 */
export const factsFor = ({ precision, recipe }: Profile, { facts }: Question): ModelFacts | undefined => {
  if (recipe === undefined || facts?.weightsBytes !== undefined || facts?.shape !== undefined) return facts
  const { weights, task } = recipe
  const weightsBytes = weights[precision] ?? (dtypeNames[precision] === undefined ? undefined : (weights.bf16 ?? weights.fp16))
  return weightsBytes === undefined ? facts : roughFacts(weightsBytes, { task, precision, ...facts })
}

const rough = new Map<string, ModelFacts>()

const roughFacts = (weightsBytes: number, facts: ModelFacts): ModelFacts =>
  rough.getOrInsertComputed(JSON.stringify([weightsBytes, facts]), () => ({ ...facts, weightsBytes }))

/** Answers by what was asked: a catalog has few distinct setups, and all GPUs of a kind have one. */
const answers = new WeakMap<ModelFacts, Map<string, Fit | undefined>>()

const remembered = (facts: ModelFacts, setup: Setup): Fit | undefined =>
  answers.getOrInsertComputed(facts, () => new Map()).getOrInsertComputed(JSON.stringify(setup), () => fit(facts, setup))

/** What a profile's fit on one GPU is asked; undefined when the GPU's memory is not known, or what the arguments do. */
export const setupOn = (profile: Profile, question: Question, gpu: AvailableGpu): Setup | undefined => {
  const args = effectiveArguments(profile, question)
  if (gpu.vramBytes === undefined || unpredictable.some((name) => (args[name] ?? null) !== null)) return undefined
  const { gpuCount, environment, precision } = profile
  const { engineVersion } = question
  const facts = factsFor(profile, question)
  const place = { gpu: { ...gpu, vramBytes: gpu.vramBytes }, gpuCount, environment, engineVersion, ownContext: facts?.contextLength }
  return setupFor(args, { ...place, growth: growth(facts?.precision, precision) })
}

/** How a profile fits on one GPU; undefined when the weights are not known either. What earlier starts took corrects it. */
export const fitOn = (profile: Profile, question: Question, gpu: AvailableGpu): Fit | undefined => {
  const facts = factsFor(profile, question)
  const setup = setupOn(profile, question, gpu)
  if (facts === undefined || setup === undefined) return undefined
  const { boots = [], model } = question
  const measured = boots.length === 0 ? undefined : measuredBy(boots, profile.checkpoint ?? profile.model ?? model, setup)
  return remembered(facts, measured === undefined ? setup : { ...setup, measured })
}
