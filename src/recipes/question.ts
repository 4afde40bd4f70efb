import type { Boot } from '../model/boots.ts'
import type { ModelFacts } from '../model/facts.ts'
import type { Json } from '../std/json.ts'
import type { Metric, Precision } from './profile.ts'

/** A GPU that may be used, as far as a choice depends on it. `vramBytes` is its whole memory. */
export type AvailableGpu = {
  readonly product?: string
  readonly gfx?: string
  readonly vramBytes?: number
  /** How the package is divided, as the driver names it; `SPX` is a whole one. */
  readonly computePartition?: string
}

/** What is wanted and what is there, in plain words: all that a choice of profile depends on. */
export type Question = {
  /** The recipe's model id, or a path that no recipe has. */
  readonly model: string
  readonly engine: string
  /** Every usable GPU, in a fixed order. */
  readonly gpus: readonly AvailableGpu[]
  /** `auto`: at most what is there; 0: the CPU. */
  readonly count: number | 'auto'
  /** GPUs that a profile in AMD's format is for, where that is not `count` or all: its runtime looks for one when the product was named. */
  readonly sought?: number
  /** Only this number format; any when absent. */
  readonly precision?: Precision
  /** Only profiles tuned for this; any, latency first, when absent. */
  readonly metric?: Metric
  /** Only this profile: `vllm-mi300x-fp8-tp1-latency` or `general/...`. */
  readonly profileId?: string
  /** Whether general profiles may be chosen or made. */
  readonly allowGeneral: boolean
  /** What is known about the weights in `repository`. */
  readonly facts?: ModelFacts
  /** The repository that `facts` describes; profiles that load another are then no choice. Any repository goes when absent. */
  readonly repository?: string
  /** Arguments that will override a profile's (`max-model-len`, `gpu-memory-utilization` ...), by canonical long name. */
  readonly overrides?: Readonly<Record<string, Json>>
  /** The engine's version, as it writes it; that of our image when absent. */
  readonly engineVersion?: string
  /** What earlier starts on such GPUs were seen to take. */
  readonly boots?: readonly Boot[]
  /** Host memory that may be used, bytes; only the CPU needs it. */
  readonly memoryBytes?: number
}

/** Whether the CPU is a choice: asked for, or taken without asking by the simulator, which only behaves like an engine. */
export const allowsCpu = ({ count, engine }: Question): boolean => count === 0 || (count === 'auto' && engine === 'simulator')
