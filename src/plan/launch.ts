import type { Artifact } from '../cache/types.ts'
import type { Gpu } from '../hardware/inventory.ts'
import type { ModelFacts } from '../model/facts.ts'
import type { Setup } from '../model/fit.ts'
import type { Profile, Rejection } from '../recipes/profile.ts'
import type { Policy } from '../supervisor/policy.ts'

/** Where the model comes from, known before a byte of weights is there. */
export type ModelSource = {
  /** As asked for: `org/name` or a path. */
  readonly id: string
  /** Absolute directory that the engine loads: the snapshot's, or the user's own. */
  readonly path: string
  /** Hub repository and commit; absent for a local directory. */
  readonly artifact?: Artifact
  readonly facts: ModelFacts
}

/** Host resources a launch needs; bytes. Each was put there by the profile or by a stated rule. */
export type Resources = {
  readonly gpus: number
  readonly memoryBytes?: number
  readonly shmBytes?: number
  readonly cpus?: number
  /** Page cache by which all ranks read the weights once; less is slow and no more. */
  readonly pageCacheBytes?: number
  readonly downloadBytes?: number
}

/** Everything decided for this container: what runs, on what, with which files and limits, and why. Carries no secret. */
export type Launch = {
  readonly engine: {
    readonly name: string
    /** The whole command line, program first. */
    readonly argv: readonly string[]
    /** Set on top of the scrubbed environment. */
    readonly env: Readonly<Record<string, string>>
  }
  readonly model: ModelSource & { readonly servedNames: readonly string[] }
  readonly profile: Profile
  readonly gpus: readonly Gpu[]
  readonly artifacts: readonly Artifact[]
  readonly resources: Resources
  /** Where what the engine compiles belongs among the compile caches of a volume: `vllm-0.32.0/gfx942/bf16-tp8`. */
  readonly compiled: string
  /** What the memory fit of one GPU was asked, by which what its start teaches is found again; absent on the CPU and where it cannot be asked. */
  readonly setup?: Setup
  readonly policy: Policy
  readonly reasons: readonly string[]
  readonly rejected: readonly Rejection[]
}
