import type { Headers } from '../cache/shards.ts'
import type { Hub, Listing, PullProgress, Snapshot } from '../cache/types.ts'
import type { StoredTensor } from '../std/safetensors.ts'

/** What the worker process is asked, as one JSON document on its stdin. The token travels there too: never in argv. */
export type WorkerRequest =
  | {
      readonly kind: 'describe'
      readonly hub: Hub
      readonly repo: string
      readonly revision: string
      readonly attempts?: number
      /** Nobody plans with the answer: the headers of the weights are not asked for. */
      readonly headless?: boolean
    }
  | { readonly kind: 'pull'; readonly hub: Hub; readonly listing: Listing; readonly patterns: readonly string[]; readonly cacheDir: string }

/** What it answers: one JSON document per line on its stdout; the last one is a result or `failed`. */
export type WorkerMessage =
  | { readonly kind: 'described'; readonly listing: Listing; readonly config: unknown; readonly headers: Headers<StoredTensor> }
  | { readonly kind: 'progress'; readonly progress: PullProgress }
  | { readonly kind: 'note'; readonly sentence: string }
  | { readonly kind: 'pulled'; readonly snapshot: Snapshot }
  | { readonly kind: 'failed'; readonly message: string; readonly fix?: string; readonly exitCode: number }
