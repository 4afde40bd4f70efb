import { createHmac } from 'node:crypto'

const key = 'only for tests'

const sign = (path: string, expires: number): string => createHmac('sha256', key).update(`${path}\n${expires}`).digest('hex')

/** Path and query under which the storage host gives a file until `expires`, in seconds since 1970. */
export const signedPath = (repo: string, commit: string, path: string, expires: number): string => {
  const plain = `/${repo}/${commit}/${path}`
  const query = new URLSearchParams({ Expires: String(expires), Signature: sign(plain, expires) })
  return `/${[repo, commit, path].map((part) => part.split('/').map(encodeURIComponent).join('/')).join('/')}?${query}`
}

/** What a signed path names; undefined when the signature is wrong or has run out at `now`, in seconds since 1970. */
export const readSignedPath = (url: URL, now: number): { repo: string; commit: string; path: string } | undefined => {
  const plain = decodeURIComponent(url.pathname)
  const expires = Number(url.searchParams.get('Expires'))
  const match = /^\/(.+?)\/([0-9a-f]{40})\/(.+)$/.exec(plain)
  if (url.searchParams.get('Signature') !== sign(plain, expires) || expires < now || match === null) return undefined
  const [, repo = '', commit = '', path = ''] = match
  return { repo, commit, path }
}
