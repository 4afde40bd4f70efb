import { readSignedPath, signedPath } from './address.ts'
import { sendError, sendFault, sendGate } from './answers.ts'
import { type Revision, resolveRevision } from './api.ts'
import { sendFile } from './body.ts'
import type { Exchange } from './exchange.ts'
import { type Fault, strike } from './faults.ts'
import type { Repository, StoredFile } from './repository.ts'

// Another host name than the hub's as the caller knows it, who may sit in a container: huggingface_hub looks at the name alone.
const cdnOrigin = ({ world, request, url }: Exchange): string => {
  const others: Readonly<Record<string, string>> = { '127.0.0.1': 'localhost', localhost: '127.0.0.1' }
  return `http://${others[url.hostname] ?? request.socket.localAddress ?? url.hostname}:${world.cdnPort}`
}

const seconds = (): number => Math.floor(Date.now() / 1000)

const sendToCdn = (
  exchange: Exchange,
  { repository, commit }: Revision,
  file: StoredFile,
  sha256: string,
  fault: Fault | undefined,
): void => {
  const expires = seconds() + (fault?.kind === 'expired' ? -60 : 3600)
  const headers = {
    'x-repo-commit': commit,
    'x-linked-etag': `"${sha256}"`,
    'x-linked-size': String(file.bytes),
    location:
      exchange.world.options.storage === undefined
        ? `${cdnOrigin(exchange)}${signedPath(repository.id, commit, file.path, expires)}`
        : `${exchange.world.options.storage}/${file.path}`,
  }
  exchange.response.writeHead(302, headers).end()
}

const serveGitFile = async (
  exchange: Exchange,
  { repository, commit }: Revision,
  file: StoredFile,
  fault: Fault | undefined,
): Promise<void> => {
  const { world, request, response, url } = exchange
  const headers = { 'x-repo-commit': commit, etag: `"${file.oid}"` }
  if (world.options.smallFiles === 'redirect' && !url.pathname.startsWith('/api/resolve-cache/')) {
    const location = `/api/resolve-cache/models/${repository.id}/${commit}/${encodeURIComponent(file.path)}?etag=${file.oid}`
    response.writeHead(307, { ...headers, location }).end()
  } else await sendFile(request, response, file, headers, world.sent, fault)
}

/** A file by its address on the hub: its bytes, or the way to the storage host. */
export const serveFile = async (
  exchange: Exchange,
  repository: Repository,
  name: string,
  path: string,
  fault: Fault | undefined,
): Promise<void> => {
  const { request, response } = exchange
  if (sendGate(request, response, repository)) return
  const revision = resolveRevision(response, repository, name)
  if (revision === undefined) return
  const file = revision.files.get(path)
  if (file === undefined) sendError(response, 404, 'EntryNotFound', 'Entry not found', { 'x-repo-commit': revision.commit })
  else if (file.lfs === undefined) await serveGitFile(exchange, revision, file, fault)
  else sendToCdn(exchange, revision, file, file.lfs.sha256, fault)
}

/** A file on the storage host, for whoever brings a valid signature; a token is not asked for. */
export const serveCdn = async ({ world, request, response, url }: Exchange): Promise<void> => {
  const named = readSignedPath(url, seconds())
  if (named === undefined)
    return void response.writeHead(403, { 'content-type': 'application/xml' }).end('<Error><Code>AccessDenied</Code></Error>')
  const file = world.repositories.get(named.repo)?.commits.get(named.commit)?.get(named.path)
  const fault = strike(world.faults, 'cdn', named.path)
  if (sendFault(response, fault)) return
  if (file === undefined) return void response.writeHead(404).end()
  // Not the checksum: a storage host names its own object, and who takes that for the file's checksum is to be found out.
  await sendFile(request, response, file, { etag: `"${'f0'.repeat(32)}"` }, world.sent, fault)
}
