import type { Boot } from '../model/boots.ts'
import type { Metric, Precision } from '../recipes/profile.ts'
import type { Json } from '../std/json.ts'

/** What the user asked for, in the plan's words; `config/` makes one from the environment, the command line adds to it. */
export type Request = {
  /** `org/name` on the hub, or an absolute path to a model directory. */
  readonly model: string
  /** Branch, tag or commit. */
  readonly revision: string
  readonly engine: 'vllm' | 'simulator'
  /** The program to run instead of the engine's own, as words: AIM_ENGINE_COMMAND. */
  readonly engineCommand?: readonly string[]
  readonly precision?: Precision
  readonly metric: Metric
  /** `auto`: what is there and fits; 0: CPU. */
  readonly gpuCount: number | 'auto'
  /** Overrides detection: `MI300X`. */
  readonly gpuModel?: string
  readonly profileId?: string
  /** Whether a general profile may be used or synthesized when no tuned one fits. */
  readonly allowGeneral: boolean
  /** AIM_ENGINE_ARGS: over the profile's arguments. */
  readonly engineArguments: Readonly<Record<string, Json>>
  /** Words after `--` or of AIM_ENGINE_EXTRA_ARGS: last on the command line. */
  readonly extraArguments: readonly string[]
  readonly servedNames: readonly string[]
  readonly host: string
  readonly port: number
  readonly maxModelLength?: number
  /**
   * Variables of the engine that the user set in the container (`VLLM_...`, `HIP_VISIBLE_DEVICES` ...): a profile does not overrule them.
   * Never a secret.
   */
  readonly engineEnvironment?: Readonly<Record<string, string>>
  /** Nobody's wish, but known beforehand: what earlier starts on such GPUs were seen to take. */
  readonly boots?: readonly Boot[]
}
