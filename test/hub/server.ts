import { once } from 'node:events'
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { sendError, sendFault, sendRefusal } from './answers.ts'
import { resolveRevision, sendRevision, sendTree } from './api.ts'
import type { Exchange, HubOptions, Recorded, World } from './exchange.ts'
import { type Fault, strike } from './faults.ts'
import { serveCdn, serveFile } from './files.ts'
import { commit, createRepository, type Repository, type RepositorySpec } from './repository.ts'

/** A running hub. */
export type TestHub = {
  readonly url: string
  readonly cdnUrl: string
  readonly requests: Recorded[]
  /** Bytes of files that were sent so far. */
  readonly sent: { bytes: number }
  readonly faults: Fault[]
  /** Commit that a ref of a repository stands at. */
  readonly commit: (repo: string, ref?: string) => string
  /** Adds a commit and moves `main` to it. */
  readonly push: (repo: string, spec: RepositorySpec) => Promise<string>
  readonly close: () => Promise<void>
}

const record = ({ requests }: World, server: 'hub' | 'cdn', { method = '', url = '', headers }: IncomingMessage): void => {
  const { host, authorization, range } = headers
  requests.push({
    server,
    method,
    url,
    host,
    authorization,
    range,
    userAgent: headers['user-agent'],
    acceptEncoding: headers['accept-encoding'] as string | undefined,
  })
}

const serveApi = ({ world, response, url }: Exchange, repository: Repository, rest: string): void => {
  const [kind, name = 'main'] = rest === '' ? ['revision'] : rest.slice(1).split('/')
  const revision = resolveRevision(response, repository, decodeURIComponent(name))
  if (revision === undefined) return
  const { pageSize = 1000, linkOrigin = url.origin } = world.options
  if (kind === 'revision') sendRevision(response, revision)
  else if (kind === 'tree') sendTree(response, revision, url, pageSize, linkOrigin)
  else sendError(response, 404, undefined, 'no such call')
}

type Route = {
  readonly at: 'api' | 'resolve'
  readonly repo: string
  readonly rest: string
  readonly revision: string
  readonly path: string
}

const routeOf = (pathname: string): Route | undefined => {
  const api = /^\/api\/models\/(.+?)(\/(?:revision|tree)\/.+)?$/.exec(pathname)
  if (api !== null) return { at: 'api', repo: api[1] ?? '', rest: api[2] ?? '', revision: '', path: '' }
  const file =
    /^\/api\/resolve-cache\/models\/(.+)\/([0-9a-f]{40})\/(.+)$/.exec(pathname) ?? /^\/(.+?)\/resolve\/([^/]+)\/(.+)$/.exec(pathname)
  if (file === null) return undefined
  const [, repo = '', revision = '', path = ''] = file
  return { at: 'resolve', repo, rest: '', revision: decodeURIComponent(revision), path: decodeURIComponent(path) }
}

const serveHub = async (exchange: Exchange): Promise<void> => {
  const { world, request, response, url } = exchange
  const route = routeOf(url.pathname)
  if (route === undefined) return sendError(response, 404, undefined, 'no such page')
  const fault = strike(world.faults, route.at, url.pathname)
  if (sendFault(response, fault)) return
  const renamed = world.options.renamed?.[route.repo]
  if (renamed !== undefined) return void response.writeHead(307, { location: url.pathname.replace(route.repo, renamed) + url.search }).end()
  const repository = world.repositories.get(route.repo)
  if (sendRefusal(request, response, repository, world.options.tokens ?? ['hf_valid']) || repository === undefined) return
  if (route.at === 'api') serveApi(exchange, repository, route.rest)
  else await serveFile(exchange, repository, route.revision, route.path, fault)
}

const listener =
  (world: World, name: 'hub' | 'cdn', serve: (exchange: Exchange) => void | Promise<void>) =>
  async (request: IncomingMessage, response: ServerResponse) => {
    record(world, name, request)
    try {
      await serve({ world, request, response, url: new URL(request.url ?? '/', `http://${request.headers.host ?? 'localhost'}`) })
    } catch (error) {
      response.destroy(error instanceof Error ? error : undefined)
    }
  }

const listen = async (server: Server, port: number, host: string): Promise<number> => {
  server.listen(port, host)
  await once(server, 'listening')
  return (server.address() as AddressInfo).port
}

const shut = async (server: Server): Promise<void> => {
  const closed = once(server, 'close')
  server.close()
  server.closeAllConnections()
  await closed
}

/** Starts a Hub that huggingface_hub and we can pull from, and the storage host it redirects to; two servers on loopback. */
export const startHub = async (options: HubOptions): Promise<TestHub> => {
  const { repos, port = 0, listen: host = '127.0.0.1', faults = [] } = options
  const repositories = new Map<string, Repository>()
  for (const [id, spec] of Object.entries(repos)) repositories.set(id, await createRepository(id, spec))
  const world: World = { options, faults, requests: [], sent: { bytes: 0 }, repositories, cdnPort: 0 }
  const hub = createServer(listener(world, 'hub', serveHub))
  const cdn = createServer(listener(world, 'cdn', serveCdn))
  world.cdnPort = await listen(cdn, 0, host)
  const hubPort = await listen(hub, port, host)
  const find = (repo: string): Repository => repositories.get(repo) ?? raise(repo)
  return {
    url: `http://127.0.0.1:${hubPort}`,
    cdnUrl: `http://localhost:${world.cdnPort}`,
    requests: world.requests,
    sent: world.sent,
    faults,
    commit: (repo, ref = 'main') => find(repo).refs.get(ref) ?? raise(`${repo} ${ref}`),
    push: (repo, spec) => commit(find(repo), spec),
    close: async () => void (await Promise.all([shut(hub), shut(cdn)])),
  }
}

const raise = (what: string): never => {
  throw new Error(`the test hub has no ${what}`)
}
