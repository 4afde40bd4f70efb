/** General profiles made on the spot, for a model or a machine that no recipe knows. */

import { gib } from '../std/bytes.ts'
import type { Json } from '../std/json.ts'
import { generalId } from './id.ts'
import { fitOn } from './memory.ts'
import { groupsOf } from './place.ts'
import { dtypeNames } from './precision.ts'
import { type Precision, type Profile, precisions } from './profile.ts'
import { type AvailableGpu, allowsCpu, type Question } from './question.ts'

/** Ways that tensor parallelism is tried; others divide almost no model's heads. */
export const parallelSizes = [1, 2, 4, 8] as const

/** `source` of a profile that no file holds. */
export const synthesizedSource = 'synthesized'

/**
 * Candidates in the order they are to be tried: the fewest GPUs first, among these the kind with the most memory, the CPU last (or alone
 * when it was asked for). They are no choice yet: the hard tests judge them like any other.
 */
export const synthesize = (question: Question): readonly Profile[] => {
  if (question.count === 0) return [cpuProfile(question)]
  const groups = groupsOf(question.gpus).toSorted((a, b) => memoryOf(b) - memoryOf(a))
  const onGpus = sizesFor(question).flatMap((size) =>
    groups.filter((group) => question.count !== 'auto' || group.length >= size).flatMap((group) => gpuProfile(question, group, size)),
  )
  return allowsCpu(question) ? [...onGpus, cpuProfile(question)] : onGpus
}

const sizesFor = ({ count }: Question): readonly number[] => parallelSizes.filter((size) => count === 'auto' || size === count)

const memoryOf = (group: readonly AvailableGpu[]): number => Math.max(...group.map(({ vramBytes }) => vramBytes ?? 0))

const gpuProfile = (question: Question, group: readonly AvailableGpu[], gpuCount: number): readonly Profile[] => {
  const name = group[0]?.product ?? group[0]?.gfx
  // Nothing can be said about a GPU that has neither name.
  if (name === undefined) return []
  const draft = generalProfile(question, name, gpuCount, { ...dtype(question), ...batches(question, group) })
  const whole = group.every((gpu) => fitOn(draft, question, gpu)?.largestContext !== undefined && fitOn(draft, question, gpu)?.fits)
  return [whole || !generates(question) ? draft : { ...draft, arguments: { ...draft.arguments, ...cutContext } }]
}

const cpuProfile = (question: Question): Profile =>
  generalProfile(question, 'CPU', 0, { ...dtype(question), ...(generates(question) ? cutContext : {}) })

/** The engine then serves the largest context that fits instead of failing on the model's own. */
const cutContext = { 'max-model-len': 'auto' } as const

const generates = ({ facts }: Question): boolean => facts === undefined || facts.task === 'generate'

const generalProfile = (question: Question, gpu: string, gpuCount: number, args: Readonly<Record<string, Json>>): Profile => {
  const parts = { engine: 'vllm', gpu, gpuCount, precision: precisionFor(question), metric: question.metric ?? 'latency' } as const
  return {
    ...parts,
    id: generalId(parts),
    type: 'general',
    manualOnly: false,
    arguments: args,
    environment: {},
    resources: {},
    source: synthesizedSource,
  }
}

/**
 * The format the weights will have: the checkpoint's; what was asked for where an unquantized checkpoint can be converted or nothing is
 * known. vLLM loads 32-bit checkpoints in 16 bits. bf16 stands for a checkpoint nobody understands, because vLLM computes in it.
 */
const precisionFor = ({ facts, precision: wanted }: Question): Precision => {
  const own = precisions.find((name) => name === facts?.precision)
  if (wanted !== undefined && (own === undefined || (isUnquantized(own) && isUnquantized(wanted)))) return wanted
  return own === undefined || own === 'fp32' ? 'bf16' : own
}

const isUnquantized = (name: string): boolean => dtypeNames[name] !== undefined

const dtype = (question: Question): Readonly<Record<string, Json>> => {
  const name = dtypeNames[question.precision ?? '']
  return name === undefined || question.facts?.precision === question.precision ? {} : { dtype: name }
}

/**
 * Batch limits, said aloud because vLLM's defaults changed between versions and the memory they take with them: those of its class of
 * GPU (engine/arg_utils.py), below 70 GiB and above. Models that do not generate keep vLLM's, which follow their context.
 */
const batches = (question: Question, group: readonly AvailableGpu[]): Readonly<Record<string, Json>> => {
  if (!generates(question)) return {}
  return memoryOf(group) >= gib(70)
    ? { 'max-num-batched-tokens': 8192, 'max-num-seqs': 512 }
    : { 'max-num-batched-tokens': 2048, 'max-num-seqs': 256 }
}
