import { exitCodes } from '../std/exit-codes.ts'
import { Failure } from '../std/failure.ts'
import type { Hub, Listing } from './types.ts'

const badEndpoint = (rule: string): Failure =>
  new Failure(`cannot ask the Hub: HF_ENDPOINT ${rule}`, {
    exitCode: exitCodes.config,
    fix: 'leave it out, or give it as https://host[/path]',
  })

/**
 * The Hub's address without a slash at its end; a path stays, since artifact stores mirror the Hub below one. Throws a Failure (78) when
 * it is no http(s) address, or holds a password, which would end up in messages.
 */
export const endpointOf = ({ endpoint }: Hub): string => {
  const url = URL.parse(endpoint)
  if (url !== null && (url.username !== '' || url.password !== '')) throw badEndpoint('must not hold a user or password: use HF_TOKEN')
  if (url === null || !/^https?:$/.test(url.protocol)) throw badEndpoint(`'${endpoint}' is no http(s) address`)
  return endpoint.replace(/\/+$/, '')
}

/** Where a branch, tag or commit is resolved to a commit. */
export const revisionUrl = (hub: Hub, repo: string, revision: string): string =>
  `${endpointOf(hub)}/api/models/${repo}/revision/${encodeURIComponent(revision)}`

/** First page of the list of all files at a commit. */
export const treeUrl = (hub: Hub, repo: string, commit: string): string =>
  `${endpointOf(hub)}/api/models/${repo}/tree/${commit}?recursive=true&expand=false`

/** Where a file's bytes are, or a redirect to them. */
export const fileUrl = (hub: Hub, { repo, commit }: Listing, path: string): string =>
  `${endpointOf(hub)}/${repo}/resolve/${commit}/${path.split('/').map(encodeURIComponent).join('/')}`

/**
 * The next page as `Link: <url>; rel="next"` names it, moved to the endpoint: a mirror passes the Hub's own address through,
 * and asking there would leave the mirror.
 */
export const nextPage = (link: string | undefined, endpoint: string): string | undefined => {
  const target = link
    ?.split(',')
    .find((part) => /;\s*rel="?next"?/.test(part))
    ?.match(/<([^>]*)>/)?.[1]
  if (target === undefined) return undefined
  const base = new URL(endpoint)
  const next = new URL(target, base)
  const prefix = base.pathname.replace(/\/+$/, '')
  return `${base.origin}${next.pathname.startsWith(`${prefix}/`) ? '' : prefix}${next.pathname}${next.search}`
}
