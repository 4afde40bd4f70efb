import type { Transfer } from './retry.ts'

/** What to have in the cache before an engine starts. */
export type Artifact = {
  /** `org/name`, a bare name, or what another kind of hub is asked for: `modelscope://org/name`, `s3://bucket/prefix`. */
  readonly repo: string
  /** 40 hex characters. */
  readonly commit: string
  /** Branch or tag the commit was resolved from; named so that the ref can be written last. Absent when the commit itself was asked for. */
  readonly ref?: string
  /** Glob patterns of the files needed; empty means all. */
  readonly patterns: readonly string[]
}

/** One file of a repository at a commit, as the Hub's tree call lists it. */
export type RepoFile = {
  /** Relative, `/`-separated, validated: no `..`, not absolute. */
  readonly path: string
  readonly bytes: number
  /** Name of its blob in the cache; also its checksum, unless the hub knows no such one. */
  readonly etag: string
  /** `sha256` for LFS files, `git-sha1` for files kept in git, `md5` for objects of S3, `none` where the hub knows nothing but the size. */
  readonly algorithm: 'sha256' | 'git-sha1' | 'md5' | 'none'
  /** The checksum where it is not the blob's name, in S3's form: hex, with `-N` behind it when it was taken of the sums of N parts. */
  readonly sum?: string
  /** Bytes of each such part but the last. */
  readonly partBytes?: number
  /** The entity tag under which the bytes were listed: other bytes under the same name are refused by the server. */
  readonly entity?: string
  /** Git id of an LFS file's pointer, when the listing said it: huggingface_hub's own list of a commit demands it. */
  readonly pointer?: string
}

/** A repository at a commit. */
export type Listing = { readonly repo: string; readonly commit: string; readonly ref?: string; readonly files: readonly RepoFile[] }

/** A protocol that models are fetched by; each has a source in this room. */
export type HubKind = 'huggingface' | 'modelscope' | 's3'

/**
 * Where a hub is and who asks; Hugging Face's protocol when `kind` is left out. The token is a secret: never logged, never sent to another
 * host. S3 has none, its credentials are found where they are used; its endpoint is empty where AWS's own configuration has to say it.
 */
export type Hub = { readonly kind?: HubKind; readonly endpoint: string; readonly token?: string }

/** A request that gives a file's bytes. The address may be signed: never logged. */
export type Address = { readonly url: string; readonly headers?: Readonly<Record<string, string>> }

/** How one kind of hub lists a model and hands out its files. */
export type Source = {
  /** Resolves a revision and lists its files with their checksums. Throws a Failure or an AbortError. */
  readonly list: (repo: string, revision: string, signal: AbortSignal | undefined, transfer: Transfer) => Promise<Listing>
  /** Where a file's bytes are now: asked again after a refusal, since signed addresses expire. */
  readonly address: (listing: Listing, file: RepoFile) => Promise<Address>
}

/** How far a pull is. `bytesDone` counts verified and published bytes plus those of files under way. */
export type PullProgress = {
  readonly filesDone: number
  readonly files: number
  readonly bytesDone: number
  readonly bytes: number
  readonly file?: string
}

/** A snapshot found in the cache without asking anybody. `missing` names files known to be absent; empty means whole. */
export type Snapshot = { readonly repo: string; readonly commit: string; readonly path: string; readonly missing: readonly string[] }
