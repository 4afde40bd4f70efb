/** One look at the hub: whether it answers, whether it gives us a model, and what time it has. */
import { Failure } from '../std/failure.ts'
import { endpointOf } from './addresses.ts'
import { lookAt } from './http.ts'
import { Interruption } from './insist.ts'
import { standardTransfer } from './retry.ts'
import type { Hub } from './types.ts'

/** What was seen. `failure` is set where a pull would fail; `dateMs` is the hub's clock in milliseconds since 1970; `silent`: nobody answered in time. */
export type HubProbe = { readonly failure?: Failure; readonly dateMs?: number; readonly silent?: true }

/** A repository at a revision, or none where only the hub itself and the token are of interest. */
export type Wanted = { readonly repo: string; readonly revision: string }

/**
 * Asks once, without insisting. Of a model a small file is asked for, because a hub lists gated repositories to everybody; one that is not
 * there is an answer as well. Without a model the account of the token is asked for, and any answer but a refusal of the token will do.
 */
export const probeHub = async (hub: Hub, wanted: Wanted | undefined, signal: AbortSignal): Promise<HubProbe> => {
  try {
    const url = wanted === undefined ? `${endpointOf(hub)}/api/whoami-v2` : smallFile(hub, wanted)
    const asked = { hub, repo: wanted?.repo ?? 'a model', ...(wanted !== undefined && { revision: wanted.revision }) }
    const { status, date, failure } = await lookAt({ url, asked, signal, transfer: standardTransfer })
    const dateMs = Date.parse(date ?? '')
    const counts = wanted === undefined ? hub.token !== undefined && status === 401 : !isOnlyTheFile(failure)
    return { ...(failure !== undefined && counts && { failure }), ...(Number.isFinite(dateMs) && { dateMs }) }
  } catch (error) {
    if (signal.aborted) return { silent: true }
    if (error instanceof Interruption) return { failure: error.trouble.failure }
    if (error instanceof Failure) return { failure: error }
    throw error
  }
}

const smallFile = (hub: Hub, { repo, revision }: Wanted): string =>
  `${endpointOf(hub)}/${repo}/resolve/${encodeURIComponent(revision)}/config.json`

const isOnlyTheFile = (failure: Failure | undefined): boolean => failure?.message.includes('holds no such file') === true
