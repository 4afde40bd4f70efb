/** What to have in the cache before an engine starts. */
export type Artifact = {
  /** `org/name`, or a bare name. */
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
  /** Name of its blob in the cache, which is also its checksum. */
  readonly etag: string
  /** `sha256` for LFS files, `git-sha1` for files kept in git. */
  readonly algorithm: 'sha256' | 'git-sha1'
  /** Git id of an LFS file's pointer, when the listing said it: huggingface_hub's own list of a commit demands it. */
  readonly pointer?: string
}

/** A repository at a commit. */
export type Listing = { readonly repo: string; readonly commit: string; readonly ref?: string; readonly files: readonly RepoFile[] }

/** Where a hub is and who asks. The token is a secret: never logged, never sent to another host. */
export type Hub = { readonly endpoint: string; readonly token?: string }

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
