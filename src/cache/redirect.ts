import type { Hub } from './types.ts'

/** Hops after which a chain of redirects is a loop; huggingface_hub's number. */
export const maxHops = 20

const statuses = new Set([301, 302, 303, 307, 308])
const hubHosts = new Set(['huggingface.co', 'hf.co'])

/** Where an answer sends us, resolved against the address that gave it; undefined when it is no redirect to http or https. */
export const redirectOf = (status: number, location: string | undefined, from: URL): URL | undefined => {
  if (!statuses.has(status) || location === undefined || !URL.canParse(location, from)) return undefined
  const target = new URL(location, from)
  return /^https?:$/.test(target.protocol) ? target : undefined
}

/**
 * Whether an address belongs to the hub that was asked: the endpoint's own host and port, or the public Hub's over TLS, since mirrors send
 * there. An object store answers itself, from whatever host its configuration names.
 */
export const isHub = (url: URL, { kind = 'huggingface', endpoint }: Hub): boolean =>
  kind === 's3' ||
  url.host === new URL(endpoint).host ||
  (kind === 'huggingface' && url.protocol === 'https:' && hubHosts.has(url.hostname))

/**
 * Whether the token may follow a redirect: to the same host and port or to a Hub's, as huggingface_hub does it, but never from
 * https down to http. A signed address on a storage host must not see it.
 */
export const keepsToken = (from: URL, to: URL, hub: Hub): boolean =>
  !(from.protocol === 'https:' && to.protocol === 'http:') && (to.host === from.host || isHub(to, hub))
