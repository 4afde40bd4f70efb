import type { ExitCode } from '../std/exit-codes.ts'
import type { Checked } from './digest.ts'
import type { Transfer } from './retry.ts'
import type { Address, Hub, RepoFile } from './types.ts'

/** Where a file's bytes were found after all redirects, with the headers that may go there. A signed address: never logged. */
export type Resolved = Required<Address>

/** One span of one file, to be written at its place in a part. */
export type FetchJob = {
  readonly kind: 'fetch'
  readonly id: number
  readonly hub: Hub
  readonly repo: string
  readonly commit: string
  readonly file: RepoFile
  readonly address: Address
  readonly resolved: Resolved | undefined
  /** The part's descriptor, which is the process's and stays open until the job has ended. */
  readonly fd: number
  readonly start: number
  readonly end: number
  /** False for a small file, which is asked for whole. */
  readonly ranged: boolean
  readonly transfer: Transfer
  /** Which of the fences holds for this part. */
  readonly fence: number
}

/** A checksum taken in order behind the bytes that are in the part: `to` moves on, `finish` asks for the digest at the end. */
export type HashJob =
  | { readonly kind: 'hash'; readonly id: number; readonly fd: number; readonly file: Checked }
  | { readonly kind: 'hash-to'; readonly id: number; readonly to: number }

/** What a thread is asked. `stop` ends a job whose result nobody wants. */
export type Order = FetchJob | HashJob | { readonly kind: 'stop'; readonly id: number }

/** A failure on its way between threads. */
export type Trouble = {
  readonly message: string
  readonly fix?: string
  readonly exitCode: ExitCode
  readonly transient: boolean
  readonly toldMs?: number | undefined
  /** The server wants fewer connections. */
  readonly throttled: boolean
}

/** What a thread answers. `bytes` counts bytes that are written; `unranged` says that the server gives only whole files. */
export type Answer =
  | { readonly kind: 'resolved'; readonly id: number; readonly resolved: Resolved }
  | { readonly kind: 'unranged'; readonly id: number }
  | { readonly kind: 'bytes'; readonly id: number; readonly bytes: number }
  | { readonly kind: 'done'; readonly id: number; readonly digest?: string }
  | { readonly kind: 'trouble'; readonly id: number; readonly trouble: Trouble }
  | { readonly kind: 'fenced'; readonly id: number }
  | { readonly kind: 'storage'; readonly id: number; readonly code: string; readonly message: string }
