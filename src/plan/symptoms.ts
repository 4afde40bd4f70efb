import type { KfdHolder } from '../hardware/holders.ts'
import type { Inventory } from '../hardware/inventory.ts'
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
  readonly cache?: CacheSymptoms
  readonly engine?: EngineSymptoms
}

/** The cache's volume: `error` says why nothing can be written there, `lacking` what its file system cannot; `path` is the cache's. */
export type CacheSymptoms = {
  readonly path: string
  readonly error?: string
  readonly lacking: readonly string[]
  readonly hardLinks: boolean
  readonly freeBytes?: number
}

/** The engine's program as it is asked for, and the file that it is; absent when PATH has none. */
export type EngineSymptoms = { readonly command: string; readonly file?: string }
