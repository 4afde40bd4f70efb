/** General profiles made on the spot, for a model or a machine that no recipe knows. */

import { headsDivide } from '../model/heads.ts'
import { gib } from '../std/bytes.ts'
import type { Json } from '../std/json.ts'
import { generalId } from './id.ts'
import { fitOn } from './memory.ts'
import { groupsOf } from './place.ts'
import { dtypeNames, supports } from './precision.ts'
import { type Precision, type Profile, precisions } from './profile.ts'
import { type AvailableGpu, allowsCpu, type Question } from './question.ts'

/** Ways that tensor parallelism is tried first; other numbers of GPUs divide almost no model's heads and become pipeline stages. */
export const parallelSizes = [1, 2, 4, 8] as const

/** `source` of a profile that no file holds. */
export const synthesizedSource = 'synthesized'

/** Weights that a general profile may load: the model's own, or a checkpoint that the model's recipe names. */
type Variant = Pick<Profile, 'checkpoint' | 'recipe'> & { readonly precision?: Precision }

/**
 * Candidates in the order they are to be tried: the model's own weights before the checkpoints that its recipe (`own`) names; the fewest GPUs
 * first, among these the kind with the most memory; pipeline stages after tensor parallelism; the CPU last (or alone when it was asked for).
 * They are no choice yet: the hard tests judge them like any other.
 */
export const synthesize = (question: Question, own: readonly Profile[] = []): readonly Profile[] => {
  const variants = variantsOf(question, own)
  const [first = {}] = variants
  if (question.count === 0) return [cpuProfile(question, first)]
  const onGpus = variants.flatMap((variant) => candidatesFor(question, variant))
  return allowsCpu(question) ? [...onGpus, cpuProfile(question, first)] : onGpus
}

const variantsOf = (question: Question, own: readonly Profile[]): readonly Variant[] => {
  const tuned = own.filter(({ model, recipe }) => model !== undefined && recipe !== undefined)
  const native = tuned.find(({ checkpoint }) => checkpoint === undefined)
  const others = [...Map.groupBy(tuned, ({ checkpoint }) => checkpoint).values()].flatMap(([first]) =>
    first?.checkpoint === undefined ? [] : [first],
  )
  // Whoever asks for the format of a checkpoint means that checkpoint.
  const asked = others.filter(({ precision }) => precision === question.precision)
  return [...asked, variantOf(native), ...others.filter((each) => !asked.includes(each)).map(variantOf)]
}

const variantOf = (profile: Profile | undefined): Variant =>
  profile === undefined
    ? {}
    : {
        precision: profile.precision,
        ...(profile.checkpoint === undefined ? {} : { checkpoint: profile.checkpoint }),
        ...(profile.recipe === undefined ? {} : { recipe: profile.recipe }),
      }

const candidatesFor = (question: Question, variant: Variant): readonly Profile[] => {
  const groups = groupsOf(question.gpus).toSorted((a, b) => memoryOf(b) - memoryOf(a))
  const largest = Math.max(0, ...groups.map(({ length }) => length))
  const weighed = question.facts !== undefined || variant.recipe !== undefined
  return sizesFor(question, weighed ? largest : 0).flatMap((size) =>
    groups
      .filter((group) => question.count !== 'auto' || group.length >= size)
      .flatMap((group) => gpuProfile(question, variant, group, size)),
  )
}

/** Numbers of GPUs worth a try. What does not divide heads is of use only where memory is what counts, so where it is known. */
const sizesFor = ({ count }: Question, largest: number): readonly number[] => {
  if (count !== 'auto') return [count]
  const others = Array.from({ length: largest }, (_, at) => at + 1).filter((size) => !parallelSizes.some((usual) => usual === size))
  return [...parallelSizes, ...others]
}

const memoryOf = (group: readonly AvailableGpu[]): number => Math.max(...group.map(({ vramBytes }) => vramBytes ?? 0))

const gpuProfile = (question: Question, variant: Variant, group: readonly AvailableGpu[], gpuCount: number): readonly Profile[] => {
  const name = group[0]?.product ?? group[0]?.gfx
  // Nothing can be said about a GPU that has neither name.
  if (name === undefined) return []
  const args = { ...dtype(question), ...batches(question, group), ...division(question, gpuCount) }
  const draft = generalProfile(question, variant, name, gpuCount, args)
  if (!generates(question)) return [draft]
  const whole = group.every((gpu) => fitOn(draft, question, gpu)?.verdict === 'fits')
  return [whole ? draft : withShortContext(draft, question, group)]
}

/** Tokens below which a conversation hardly fits: then an 8-bit cache is the smaller evil. */
const shortContext = 8192

const withShortContext = (draft: Profile, question: Question, group: readonly AvailableGpu[]): Profile => {
  const cut = { ...draft, arguments: { ...draft.arguments, ...cutContext } }
  const small = { ...cut, arguments: { ...cut.arguments, 'kv-cache-dtype': 'fp8' } }
  const reach = (profile: Profile) =>
    Math.min(...group.map((gpu) => fitOn(profile, question, gpu)?.largestContext ?? Number.POSITIVE_INFINITY))
  const computes = group.every(({ gfx }) => gfx !== undefined && supports(gfx, 'fp8') === true)
  return computes && reach(cut) < Math.min(shortContext, question.facts?.contextLength ?? shortContext) && reach(small) > reach(cut)
    ? small
    : cut
}

/**
 * How GPUs share a model: the most ways that divide its heads, of powers of two, the rest as pipeline stages; experts whole where their parts
 * would cut the 128 x 128 blocks of fp8 scales (vLLM, layers/quantization/fp8.py).
 */
const division = ({ facts }: Question, gpuCount: number): Readonly<Record<string, Json>> => {
  const ways = [64, 32, 16, 8, 4, 2, 1].find((size) => gpuCount % size === 0 && (facts === undefined || headsDivide(facts, size))) ?? 1
  const { size = 0 } = facts?.shape?.experts ?? {}
  return {
    ...(ways === gpuCount ? {} : { 'tensor-parallel-size': ways, 'pipeline-parallel-size': gpuCount / ways }),
    ...(size > 0 && ways > 1 && facts?.precision === 'fp8' && size % (128 * ways) !== 0 ? { 'enable-expert-parallel': true } : {}),
  }
}

const cpuProfile = (question: Question, variant: Variant): Profile =>
  generalProfile(question, variant, 'CPU', 0, { ...dtype(question), ...(generates(question) ? cutContext : {}) })

/** The engine then serves the largest context that fits instead of failing on the model's own. */
const cutContext = { 'max-model-len': 'auto' } as const

const generates = ({ facts }: Question): boolean => facts === undefined || facts.task === 'generate'

const generalProfile = (
  question: Question,
  { precision, ...weights }: Variant,
  gpu: string,
  gpuCount: number,
  args: Readonly<Record<string, Json>>,
): Profile => {
  const format =
    weights.checkpoint === undefined
      ? precisionFor(question, isUnquantized(precision ?? '') ? undefined : precision)
      : (precision ?? precisionFor(question))
  const parts = { engine: 'vllm', gpu, gpuCount, precision: format, metric: question.metric ?? 'latency' } as const
  return {
    ...parts,
    id: generalId(parts),
    ...weights,
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
const precisionFor = ({ facts, precision: wanted }: Question, stated?: Precision): Precision => {
  const own = precisions.find((name) => name === facts?.precision) ?? stated
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
