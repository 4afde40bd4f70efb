import { createHash } from 'node:crypto'
import { once } from 'node:events'
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { Readable } from 'node:stream'
import { sendFile } from '../hub/body.ts'

/** Models by id; a model is its files by path. */
export type Models = Readonly<Record<string, Readonly<Record<string, string | Buffer>>>>

/** A running server. `requests` are paths with their query, and how the caller said who it is. */
export type TestModelScope = {
  readonly url: string
  readonly requests: { readonly at: 'api' | 'storage'; readonly url: string; readonly token: string | undefined }[]
  readonly sent: { bytes: number }
  readonly close: () => Promise<void>
}

/** What to serve: `token`, when given, is the only one that may read; `entries` has the last word on a listing; `statuses` are those of the first answers. */
export type ModelScopeOptions = {
  readonly models: Models
  readonly token?: string
  readonly entries?: (entries: Record<string, unknown>[]) => unknown
  readonly statuses?: number[]
}

const tokenOf = ({ headers }: IncomingMessage): string | undefined =>
  /m_session_id=([^;]+)/.exec(headers.cookie ?? '')?.[1] ?? headers.authorization?.replace('Bearer ', '')

const sayJson = (response: ServerResponse, status: number, value: Record<string, unknown>): void =>
  void response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify({ RequestId: 'r-1', ...value }))

const refuse = (response: ServerResponse, status: number, message: string): void =>
  sayJson(response, status, { Code: 10010000000 + status, Message: message, Success: false, Data: null })

const entryOf = ([path, content]: [string, string | Buffer]): Record<string, unknown> => ({
  Path: path,
  Name: path.split('/').at(-1),
  Type: 'blob',
  Mode: '33188',
  Size: Buffer.byteLength(content),
  Sha256: createHash('sha256').update(content).digest('hex'),
  Revision: 'f'.repeat(40),
  IsLFS: path.endsWith('.safetensors'),
})

const directoriesOf = (paths: readonly string[]): readonly string[] => [
  ...new Set(
    paths.flatMap((path) =>
      path
        .split('/')
        .slice(0, -1)
        .map((_, depth, all) => all.slice(0, depth + 1).join('/')),
    ),
  ),
]

const listen = async (server: Server): Promise<number> => {
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  return (server.address() as AddressInfo).port
}

/** Starts what the modelscope_hub client and we can pull from, and the storage host that it redirects to; two servers on loopback. */
export const startModelScope = async ({
  models,
  token,
  entries = (all) => all,
  statuses = [],
}: ModelScopeOptions): Promise<TestModelScope> => {
  const requests: TestModelScope['requests'] = []
  const sent = { bytes: 0 }
  const send = (request: IncomingMessage, response: ServerResponse, content: string | Buffer, path: string): Promise<void> => {
    const bytes = Buffer.from(content)
    const file = { path, bytes: bytes.length, oid: '', read: (start: number, end: number) => Readable.from([bytes.subarray(start, end)]) }
    return sendFile(request, response, file, {}, sent, undefined)
  }
  const find = (url: URL): { readonly model: Models[string] | undefined; readonly call: string } => {
    const [, id = '', call = ''] = /^\/(?:api|openapi)\/v1\/models\/([^/]+\/[^/]+)\/?(.*)$/.exec(url.pathname) ?? []
    return { model: models[decodeURIComponent(id)], call }
  }
  const storage = createServer((request, response) => {
    const url = new URL(request.url ?? '', 'http://storage')
    requests.push({ at: 'storage', url: request.url ?? '', token: tokenOf(request) })
    const [id, path] = [url.searchParams.get('id') ?? '', url.searchParams.get('path') ?? '']
    void send(request, response, models[id]?.[path] ?? '', path)
  })
  const api = createServer((request, response) => {
    const url = new URL(request.url ?? '', 'http://api')
    requests.push({ at: 'api', url: request.url ?? '', token: tokenOf(request) })
    const status = statuses.shift() ?? 200
    if (status !== 200) return refuse(response, status, 'not now')
    const { model, call } = find(url)
    if (token !== undefined && tokenOf(request) !== token)
      return refuse(response, tokenOf(request) === undefined ? 401 : 403, 'no permission')
    if (model === undefined) return refuse(response, 404, 'record not found')
    const revision = url.searchParams.get('Revision') ?? 'master'
    if (!['master', 'v1.0'].includes(revision)) return refuse(response, 404, `revision ${revision} not found`)
    const path = url.searchParams.get('FilePath')
    if (call === 'repo/files') {
      const folders = directoriesOf(Object.keys(model)).map((folder) => ({ Path: folder, Name: folder, Type: 'tree', Size: 0, Sha256: '' }))
      const files = entries([...folders, ...Object.entries(model).map(entryOf)])
      return sayJson(response, 200, { Code: 200, Success: true, Message: 'success', Data: { Files: files } })
    }
    if (call === 'repo' && path !== null) {
      const content = model[path]
      if (content === undefined) return refuse(response, 404, 'file not found')
      if (!path.endsWith('.safetensors')) return void send(request, response, content, path)
      const id = url.pathname.split('/').slice(4, 6).join('/')
      return void response
        .writeHead(302, { location: `http://localhost:${storagePort}/file?${new URLSearchParams({ id, path, Signature: 's' })}` })
        .end()
    }
    sayJson(response, 200, { Code: 200, Success: true, Message: 'success', Data: { Name: 'm', Path: 'org', Revision: 'master' } })
  })
  const storagePort = await listen(storage)
  const port = await listen(api)
  const shut = async (server: Server): Promise<void> => {
    const closed = once(server, 'close')
    server.close().closeAllConnections()
    await closed
  }
  return { url: `http://127.0.0.1:${port}`, requests, sent, close: async () => void (await Promise.all([shut(api), shut(storage)])) }
}
