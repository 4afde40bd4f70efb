/** What a profile must pass to be a choice at all. Every test looks at every profile, so that one answer names all that stands in the way. */

import { headsDivide } from '../model/heads.ts'
import { roughHostFit } from '../model/host-fit.ts'
import { formatBytes, gib } from '../std/bytes.ts'
import { effectiveArguments, fitOn } from './memory.ts'
import { shardingOf } from './parallel.ts'
import { largestMatch, matches, place } from './place.ts'
import { growth, supports } from './precision.ts'
import type { Profile } from './profile.ts'
import { type AvailableGpu, allowsCpu, type Question } from './question.ts'
import { requiredContext } from './setup.ts'
import { isOlder } from './version.ts'

/** Why a profile is no choice, as the end of a sentence about it, and what would change that. */
export type Failing = { readonly test: TestName; readonly sentence: string; readonly fix: string }

/** What a profile is tested for, in the order of the tests. */
export type TestName = keyof typeof hardTests

type Objection = Omit<Failing, 'test'>
type HardTest = (profile: Profile, question: Question) => Objection | undefined

const failing = (sentence: string, fix: string): Objection => ({ sentence, fix })

/** `1 GPU`, `2 GPUs`. */
export const gpusInWords = (amount: number): string => (amount === 1 ? '1 GPU' : `${amount} GPUs`)

/** `2x MI300X, 1x gfx1201`; `no GPU`; says so where the memory is not known, since nobody can tell then what fits. */
export const describeGpus = (gpus: readonly AvailableGpu[]): string => descriptions.getOrInsertComputed(gpus, () => describeAll(gpus))

const descriptions = new WeakMap<readonly AvailableGpu[], string>()

const describeAll = (gpus: readonly AvailableGpu[]): string =>
  gpus.length === 0
    ? 'no GPU'
    : [
        ...Map.groupBy(
          gpus,
          ({ product, gfx, vramBytes }) => `${product ?? gfx ?? 'of unknown kind'}${vramBytes ? '' : ' of unknown memory'}`,
        ),
      ]
        .map(([kind, group]) => `${group.length}x ${kind}`)
        .join(', ')

const engine: HardTest = (profile, question) => {
  // The simulator takes vLLM's arguments.
  const runs = question.engine === 'simulator' ? ['simulator', 'vllm'] : [question.engine]
  return runs.includes(profile.engine) ? undefined : failing(`is for ${profile.engine}, not ${question.engine}`, 'set AIM_ENGINE')
}

const version: HardTest = ({ engine: name, minimumEngine }, { engine: running, engineVersion }) => {
  // The simulator knows every flag.
  if (minimumEngine === undefined || engineVersion === undefined || running === 'simulator') return undefined
  const lacks = isOlder(engineVersion, minimumEngine)
  return lacks ? failing(`needs ${name} ${minimumEngine}; here: ${engineVersion}`, 'use an image with a newer engine') : undefined
}

const onCpu: HardTest = (profile, question) => {
  if (profile.gpuCount > 0 && question.count === 0) return failing('needs a GPU, and the CPU was asked for', 'unset AIM_GPU_COUNT')
  // A pinned CPU profile asks for the CPU itself.
  if (profile.gpuCount > 0 || allowsCpu(question) || (question.profileId !== undefined && question.count === 'auto')) return undefined
  return failing('runs on the CPU, which was not asked for', 'set AIM_GPU_COUNT=0 to run on the CPU')
}

const kind: HardTest = ({ gpu, gpuCount }, { gpus }) =>
  gpuCount === 0 || gpus.some((candidate) => matches(candidate, gpu))
    ? undefined
    : failing(`is for ${gpu}; here: ${describeGpus(gpus)}`, `use a machine with ${gpu}, or set AIM_GPU_MODEL when detection is wrong`)

const available: HardTest = ({ gpu, gpuCount }, { gpus }) => {
  const here = largestMatch(gpus, gpu).length
  if (gpuCount <= here || here === 0) return undefined
  return failing(`needs ${gpusInWords(gpuCount)}; ${here} ${gpu} can be used`, `give the container ${gpusInWords(gpuCount)} of one kind`)
}

const asked: HardTest = ({ gpuCount }, { count }) =>
  count === 'auto' || count === 0 || gpuCount === count
    ? undefined
    : failing(
        `uses ${gpuCount === 0 ? 'the CPU' : gpusInWords(gpuCount)}; ${gpusInWords(count)} asked for`,
        'unset AIM_GPU_COUNT to take what fits',
      )

const precision: HardTest = (profile, question) =>
  question.precision === undefined || question.precision === profile.precision
    ? undefined
    : failing(
        `is ${profile.precision}; ${question.precision} was asked for`,
        `unset AIM_PRECISION, or name a ${question.precision} checkpoint as AIM_MODEL_ID`,
      )

const instructionSet: HardTest = (profile, { gpus }) => {
  const sets = new Set(gpus.filter((gpu) => matches(gpu, profile.gpu)).map(({ gfx }) => gfx))
  const lacking = [...sets].filter((gfx) => gfx !== undefined && supports(gfx, profile.precision) === false)
  if (sets.size === 0 || lacking.length < sets.size) return undefined
  return failing(`${lacking.join(', ')} cannot compute in ${profile.precision}`, 'use a checkpoint in bf16, fp16, int8 or int4')
}

const partition: HardTest = ({ gpu, gpuCount, model }, { gpus, profileId }) => {
  const named = gpus.filter((candidate) => matches(candidate, gpu))
  const whole = named.filter(({ computePartition }) => computePartition === undefined || computePartition === 'SPX')
  // Numbers that were tuned on a whole GPU say nothing of a part of one; whoever names the profile knows that.
  if (gpuCount === 0 || profileId !== undefined || model === undefined) return undefined
  if (named.length === 0 || whole.length > 0) return undefined
  return failing(
    `is tuned for whole GPUs; here they are divided (${named[0]?.computePartition})`,
    'set the partition mode to SPX (amd-smi set --compute-partition SPX)',
  )
}

const metric: HardTest = (profile, question) =>
  // A pinned profile says itself what it is tuned for; the variable's default must not speak against it.
  question.profileId !== undefined || question.metric === undefined || question.metric === profile.metric
    ? undefined
    : failing(`is tuned for ${profile.metric}; ${question.metric} was asked for`, `set AIM_METRIC=${profile.metric}`)

const manual: HardTest = (profile, question) => {
  if (question.profileId !== undefined) return undefined
  if (profile.manualOnly) return failing('is chosen by hand only', `set AIM_PROFILE_ID=${profile.id}`)
  if (profile.model !== undefined || question.allowGeneral) return undefined
  return failing('is a general profile, and these are switched off', 'set AIM_ALLOW_GENERAL_PROFILE_FALLBACK=true')
}

/** Which repository a profile's weights come from. */
export const repositoryOf = (profile: Profile, model: string): string => profile.checkpoint ?? profile.model ?? model

const weights: HardTest = (profile, question) => {
  const loaded = repositoryOf(profile, question.model)
  return question.repository === undefined || question.repository === loaded
    ? undefined
    : failing(`loads ${loaded}; this choice is for the weights of ${question.repository}`, `set AIM_PRECISION=${profile.precision}`)
}

const heads: HardTest = (profile, question) => {
  const { tensor } = shardingOf(effectiveArguments(profile, question), profile.gpuCount)
  const { facts } = question
  if (facts === undefined || headsDivide(facts, tensor)) return undefined
  return failing(
    `splits ${facts.attentionHeads ?? 'its'} attention heads and ${facts.kvHeads ?? 'its'} KV heads ${tensor} ways, which does not divide them`,
    'set AIM_GPU_COUNT to a number that divides the heads',
  )
}

const context: HardTest = (profile, question) => {
  const own = question.facts?.contextLength
  const args = effectiveArguments(profile, question)
  const wanted = requiredContext(args, own)
  // Overrides of the model's own configuration can stretch its context.
  if (own === undefined || wanted === undefined || wanted <= own || (args['hf-overrides'] ?? null) !== null) return undefined
  return failing(`wants a context of ${wanted} tokens; the model was made for ${own}`, `set AIM_MAX_MODEL_LEN to at most ${own}`)
}

const gpuMemory: HardTest = (profile, question) => {
  // Too few of a kind is another test's word.
  if (profile.gpuCount === 0 || largestMatch(question.gpus, profile.gpu).length < profile.gpuCount) return undefined
  const named = question.gpus.filter((gpu) => matches(gpu, profile.gpu))
  const kinds = new Map<string, boolean>()
  const holds = (gpu: AvailableGpu) =>
    kinds.getOrInsertComputed(`${gpu.vramBytes}/${gpu.gfx}`, () => fitOn(profile, question, gpu)?.fits !== false)
  if (place(profile, named, holds) !== undefined) return undefined
  return tooSmall(profile, question, named)
}

const tooSmall = (profile: Profile, question: Question, gpus: readonly AvailableGpu[]): Objection => {
  const largest = gpus.reduce((best, gpu) => ((gpu.vramBytes ?? 0) > (best.vramBytes ?? 0) ? gpu : best), gpus[0] ?? {})
  const fit = fitOn(profile, question, largest)
  const tokens = requiredContext(effectiveArguments(profile, question), question.facts?.contextLength)
  if (fit === undefined) return failing('does not fit the memory of enough GPUs', 'use GPUs of one size')
  const share = `${formatBytes(fit.weightsBytesPerGpu)} of weights on each GPU with ${formatBytes(largest.vramBytes ?? 0)}`
  const learned = fit.learned === undefined ? '' : ` (${fit.learned})`
  if (fit.kvBytes <= 0)
    return failing(`puts ${share}, which leaves nothing for the KV cache${learned}`, 'use more or larger GPUs, or a smaller precision')
  const most = fit.largestContext ?? 0
  return failing(
    `puts ${share}; a request of ${tokens} tokens does not fit beside them, at most ${most} do${learned}`,
    most > 0 ? `set AIM_MAX_MODEL_LEN to at most ${most}, or use more GPUs` : 'use more or larger GPUs, or a smaller precision',
  )
}

const hostMemory: HardTest = (profile, { engine: name, facts, memoryBytes }) => {
  // The simulator loads no weights.
  if (profile.gpuCount > 0 || name === 'simulator' || facts?.weightsBytes === undefined || memoryBytes === undefined) return undefined
  const weightsBytes = facts.weightsBytes * growth(facts.precision, profile.precision)
  if (roughHostFit({ weightsBytes, kvCacheBytes: gib(1), memoryBytes })) return undefined
  return failing(
    `needs ${formatBytes(weightsBytes)} for weights, 1.0 GiB of KV cache and 4.0 GiB for its processes; the container may use ${formatBytes(memoryBytes)}`,
    'raise the container memory limit, or serve a smaller model',
  )
}

const hardTests = {
  ...{ engine, version, onCpu, kind, available, asked, partition, precision, instructionSet, metric },
  ...{ manual, weights, heads, context, gpuMemory, hostMemory },
} as const satisfies Readonly<Record<string, HardTest>>

const tests = Object.entries(hardTests) as readonly (readonly [TestName, HardTest])[]

/** Everything that stands against a profile; empty when it is a choice. */
export const failingsOf = (profile: Profile, question: Question): readonly Failing[] =>
  tests.flatMap(([test, run]) => {
    const objection = run(profile, question)
    return objection === undefined ? [] : [{ test, ...objection }]
  })
