/**
 * The variables that hide GPUs from the engine: ROCR_VISIBLE_DEVICES, then HIP_VISIBLE_DEVICES or, without it, CUDA_VISIBLE_DEVICES.
 * How each reads its list is in visible-devices.ts.
 */
import type { Blocked, Gpu, HiddenGpu } from './inventory.ts'
import { type Choice, chooseByHip, chooseByRocr } from './visible-devices.ts'

/** What is left: `gpus` in the engine's order and numbered so. */
export type Masked = {
  readonly gpus: readonly Gpu[]
  readonly hidden: readonly HiddenGpu[]
  readonly oddities: readonly string[]
  readonly blocked?: Blocked
}

type Environment = Readonly<Record<string, string | undefined>>

const rocr = 'ROCR_VISIBLE_DEVICES'
const hip = 'HIP_VISIBLE_DEVICES'
const cuda = 'CUDA_VISIBLE_DEVICES'

/**
 * Applies the masks to GPUs in KFD node order. Both libraries stop at the first entry that names no GPU and keep what came before;
 * that is stated as an oddity. HIP and CUDA set and different is refused, because vLLM refuses it (vllm/platforms/rocm.py).
 * AMD_VISIBLE_DEVICES counts the host's GPUs and was applied by the container runtime, so it is left alone.
 */
export const applyMasks = (gpus: readonly Gpu[], environment: Environment): Masked => {
  const blocked = conflictOf(environment)
  if (blocked !== undefined && gpus.length > 0) {
    return { gpus: [], hidden: gpus.map(({ node }) => ({ node, reason: `${hip} and ${cuda} differ` })), oddities: [], blocked }
  }
  const named = narrow(gpus, rocr, environment[rocr], chooseByRocr)
  const first = { ...named, gpus: named.gpus.map((gpu, ordinal) => ({ ...gpu, ordinal })) }
  const name = environment[hip] ? hip : cuda
  // Set and empty is no mask here, while ROCR takes it for none at all.
  const second = narrow(first.gpus, name, environment[name] || undefined, chooseByHip)
  return {
    gpus: second.gpus.map(renumber),
    hidden: [...first.hidden, ...second.hidden],
    oddities: [...first.oddities, ...second.oddities, ...ordinalOddity(gpus, environment.GPU_DEVICE_ORDINAL)],
  }
}

const renumber = (gpu: Gpu, index: number): Gpu => ({ ...gpu, index })

const narrow = (
  gpus: readonly Gpu[],
  name: string,
  value: string | undefined,
  choose: (list: string, gpus: readonly Gpu[]) => Choice,
): Masked => {
  if (value === undefined || gpus.length === 0) return { gpus, hidden: [], oddities: [] }
  const { order, stop } = choose(value, gpus)
  const hidden = gpus.filter((_, at) => !order.includes(at)).map(({ node }) => ({ node, reason: `hidden by ${name}=${value}` }))
  // -1 is the usual way to say none.
  const oddities = stop === undefined || stop === '-1' ? [] : [`${name}=${value}: ${stop}, so it and what follows is ignored`]
  return { gpus: order.flatMap((at) => gpus[at] ?? []), hidden, oddities }
}

const conflictOf = (environment: Environment): Blocked | undefined => {
  const [first, second] = [environment[hip], environment[cuda]]
  if (!first || !second || first === second) return undefined
  return {
    reason: `${hip}=${first} and ${cuda}=${second} differ, and vLLM refuses to start then`,
    fix: `unset ${cuda}, or set both to the same list`,
  }
}

const ordinalOddity = (gpus: readonly Gpu[], value: string | undefined): string[] =>
  value && gpus.length > 0 ? [`GPU_DEVICE_ORDINAL=${value} is set; it is OpenCL's and was not applied`] : []
