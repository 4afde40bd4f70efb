import type { Holder, KfdHolder } from '../hardware/holders.ts'
import type { Inventory } from '../hardware/inventory.ts'
import type { ExitCode } from '../std/exit-codes.ts'
import type { Problem } from '../std/problem.ts'

/** A device file that is there: `code` is the error of access(2) when we may not read and write it, `gid` its group's number. */
export type Device = { readonly path: string; readonly code?: string; readonly gid?: number }

/** What a diagnosis is made of. What was not looked at (this machine's, when a captured tree is read) is absent. */
export type Symptoms = {
  readonly inventory: Inventory
  /** /dev/kfd and the render nodes. */
  readonly devices: readonly Device[]
  readonly holders: readonly KfdHolder[]
  /** Text of /proc/self/limits. */
  readonly limits?: string
  readonly problems: readonly Problem[]
  /** Whether serving without a GPU is asked for. */
  readonly onCpu: boolean
  /** Our own processes that hold GPU memory, as far as we may look into them; those of other containers are in `holders` alone. */
  readonly processes?: readonly Process[]
  /** The error with which /dev/kfd could not be opened although we may (kfd_chardev.c); absent when it could, or was not tried. */
  readonly kfdError?: string
  readonly cache?: CacheSymptoms
  readonly engine?: EngineSymptoms
  readonly hub?: HubSymptoms
  readonly model?: ModelSymptoms
  /** Milliseconds since 1970 by our clock. */
  readonly clockMs?: number
}

/** A process of this PID namespace and the GPU memory that it holds on one package. */
export type Process = Holder & { readonly name: string }

/** Something that did not work, in the words of the room that tried. */
export type Trouble = { readonly exitCode: ExitCode; readonly message: string; readonly fix: string }

/** What the hub answered. `dateMs` is its clock; `silent`: it did not answer in time; `trouble`: why the model cannot be had from it. */
export type HubSymptoms = {
  readonly endpoint: string
  readonly withToken: boolean
  readonly silent?: true
  readonly dateMs?: number
  readonly trouble?: Trouble
}

/** What the model that was named needs here. Bytes; what is not known is absent. */
export type ModelSymptoms = {
  readonly id: string
  /** Why no plan can be made for it. */
  readonly trouble?: Trouble
  readonly gpus?: number
  readonly weightsBytes?: number
  /** Memory of the host that the plan asks for. */
  readonly memoryBytes?: number
  /** What of it is not in the cache yet. */
  readonly downloadBytes?: number
  readonly downloadFiles?: number
}

/** The cache's volume: `error` says why nothing can be written there, `lacking` what its file system cannot; `path` is the cache's. */
export type CacheSymptoms = {
  readonly path: string
  readonly error?: string
  readonly lacking: readonly string[]
  readonly hardLinks: boolean
  readonly freeBytes?: number
  /** Files that may still be made; absent where the file system counts none. */
  readonly freeFiles?: number
  /** Its kind as the kernel calls it: `overlay`, `ext4`, `nfs4`, `fuse.gcsfuse`. */
  readonly fileSystem?: string
}

/**
 * The engine's program as it is asked for, the file that it is (absent when PATH has none), its version as its package has it, the version
 * that our flags are of, and whether libatomic.so.1, which Node and compiled kernels load, is in the image.
 */
export type EngineSymptoms = {
  readonly command: string
  readonly file?: string
  readonly version?: string
  readonly flagsVersion?: string
  readonly libatomic?: boolean
}
