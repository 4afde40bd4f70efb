import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Fault } from './faults.ts'
import type { Repository, RepositorySpec } from './repository.ts'

/** One request as it came in, for tests to look at. */
export type Recorded = {
  readonly server: 'hub' | 'cdn'
  readonly method: string
  readonly url: string
  readonly host: string | undefined
  readonly authorization: string | undefined
  readonly range: string | undefined
  readonly userAgent: string | undefined
  readonly acceptEncoding: string | undefined
}

/** What to serve and how. */
export type HubOptions = {
  readonly repos: Readonly<Record<string, RepositorySpec>>
  /** The hub's port; any free one when left out. The storage host always takes a free one. */
  readonly port?: number
  /** Address to listen on; 127.0.0.1 when left out. */
  readonly listen?: string
  /** Used up as they strike; may be added to later. */
  readonly faults?: Fault[]
  /** Valid tokens. */
  readonly tokens?: readonly string[]
  /** Entries in a page of the tree call. */
  readonly pageSize?: number
  /** How files kept in git are served: at once, or by a relative redirect to the resolve cache, as the Hub does now. */
  readonly smallFiles?: 'direct' | 'redirect'
  /** What the link to the next page starts with, to play a mirror that passes the Hub's own address through. */
  readonly linkOrigin?: string
  /** Another storage host, which has the files below this address by their path in the repository. */
  readonly storage?: string
  /** Old names of repositories, which redirect. */
  readonly renamed?: Readonly<Record<string, string>>
}

/** All that the two servers share. */
export type World = {
  readonly options: HubOptions
  readonly faults: Fault[]
  readonly requests: Recorded[]
  /** Bytes of files that were sent. */
  readonly sent: { bytes: number }
  readonly repositories: ReadonlyMap<string, Repository>
  cdnPort: number
}

/** One request being answered. */
export type Exchange = { readonly world: World; readonly request: IncomingMessage; readonly response: ServerResponse; readonly url: URL }
