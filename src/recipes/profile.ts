import type { Task } from '../model/facts.ts'
import type { Json } from '../std/json.ts'

/** Number formats of weights, as AMD's AIM_PRECISION names them. */
export const precisions = ['fp4', 'fp8', 'fp16', 'fp32', 'bf16', 'int4', 'int8'] as const
/** One of `precisions`. */
export type Precision = (typeof precisions)[number]

/** What a profile is tuned for. */
export const metrics = ['latency', 'throughput'] as const
/** One of `metrics`. */
export type Metric = (typeof metrics)[number]

/** How sure a profile is, best first. */
export const profileTypes = ['optimized', 'preview', 'unoptimized', 'general'] as const
/** One of `profileTypes`. */
export type ProfileType = (typeof profileTypes)[number]

/** The three trees of AMD's profiles, the most important first. */
export const amdTrees = ['custom', 'model', 'general'] as const
/** One of `amdTrees`. */
export type AmdTree = (typeof amdTrees)[number]

/** What a recipe says about its model as a whole; its profiles share one. */
export type RecipeFacts = {
  readonly license?: string
  /** The hub asks for a token of somebody who has accepted the licence. */
  readonly gated: boolean
  readonly task: Task
  /** Where the numbers come from. */
  readonly sources: readonly string[]
  /** Bytes of the weight files by precision. */
  readonly weights: Readonly<Partial<Record<string, number>>>
}

/** One tuned choice of a recipe, flat: what inheritance gave is already in it. */
export type Profile = {
  /** `vllm-mi300x-fp8-tp1-latency`. */
  readonly id: string
  /** The recipe's model id; undefined for a general profile that serves any model. */
  readonly model?: string
  /** Repository whose weights this profile loads (a quantized variant); the model's own when absent. */
  readonly checkpoint?: string
  readonly engine: string
  /** Product (`MI300X`), instruction set (`gfx942`) or `CPU`. */
  readonly gpu: string
  readonly gpuCount: number
  readonly precision: Precision
  readonly metric: Metric
  readonly type: ProfileType
  /** Never chosen by itself, only by AIM_PROFILE_ID. */
  readonly manualOnly: boolean
  /** The oldest version of the engine that knows what the profile asks for, `0.19.1`. */
  readonly minimumEngine?: string
  readonly arguments: Readonly<Record<string, Json>>
  readonly environment: Readonly<Record<string, string>>
  /** Host resources it needs; bytes. */
  readonly resources: { readonly memoryBytes?: number; readonly shmBytes?: number; readonly cpus?: number }
  /** Where it was read: a file, or `synthesized`. */
  readonly source: string
  readonly recipe?: RecipeFacts
  /** Of a profile in AMD's own format: its tree, the place that holds the tree, and the file as it was read. */
  readonly amd?: { readonly tree: AmdTree; readonly root: string; readonly document: Json }
}

/** A profile that was not chosen, and every reason why. */
export type Rejection = { readonly id: string; readonly reasons: readonly string[] }

/** The choice: a profile and why, and every other one and why not. */
export type Selection = { readonly profile: Profile; readonly reasons: readonly string[]; readonly rejected: readonly Rejection[] }
