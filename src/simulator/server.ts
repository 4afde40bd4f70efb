import { readFileSync } from 'node:fs'
import { createServer, type IncomingMessage, type Server, type ServerResponse, STATUS_CODES } from 'node:http'
import { createServer as createSecureServer } from 'node:https'
import type { AddressInfo } from 'node:net'
import type { Api } from './api.ts'
import { accessLine, type Log } from './log.ts'
import { type Call, json, type Reply } from './reply.ts'
import { answer, mayPass, type Route, routesOf, withoutRoot } from './routes.ts'
import type { ServeSettings } from './settings.ts'

/** An HTTP server in front of the API. */
export type HttpServer = {
  /** Opens the port; gives its number. Throws the system's error (EADDRINUSE ...). */
  readonly listen: () => Promise<number>
  /** Takes no new connection, and ends those that are idle; settles when the last one is gone. */
  readonly close: () => Promise<void>
  /** Ends the connections that are left. */
  readonly cut: () => void
}

/** What the server needs besides the API: how many are in flight is kept here, for the API to read. */
export type Load = { inFlight: number }

const readAll = async (request: IncomingMessage): Promise<string> => {
  const chunks: Buffer[] = []
  for await (const chunk of request) chunks.push(chunk as Buffer)
  return Buffer.concat(chunks).toString('utf8')
}

const headersOf = (extra: Readonly<Record<string, string>>) => ({ server: 'uvicorn', 'x-aim-simulator': '1', ...extra })

const deliver = (response: ServerResponse, reply: Reply): number => {
  if ('stream' in reply) {
    response.writeHead(200, headersOf({ 'content-type': 'text/event-stream; charset=utf-8' }))
    response.flushHeaders()
    reply.stream({ write: (text) => response.write(text), end: () => response.end() })
    return 200
  }
  const type = reply.contentType === undefined ? {} : { 'content-type': reply.contentType }
  response.writeHead(reply.status, headersOf({ ...type, 'content-length': String(Buffer.byteLength(reply.body)) }))
  response.end(reply.body)
  return reply.status
}

const callOf = async (request: IncomingMessage, response: ServerResponse, path: string): Promise<Call> => ({
  method: request.method ?? 'GET',
  path,
  contentType: request.headers['content-type'],
  body: await readAll(request),
  onGone: (callback) => {
    response.once('close', () => {
      if (!response.writableFinished) callback()
    })
  },
})

type Talk = {
  closing: boolean
  readonly api: Api
  readonly routes: readonly Route[]
  readonly load: Load
  readonly log: Log
}

const note = ({ api, log }: Talk, request: IncomingMessage, path: string, route: Route | undefined, status: number): void => {
  const method = request.method ?? 'GET'
  if (route?.unmeasured === undefined) api.metrics.answered(method, route?.path ?? 'none', status)
  if (!api.settings.accessLog || api.settings.quietPaths.includes(path)) return
  const client = `${request.socket.remoteAddress ?? '-'}:${request.socket.remotePort ?? 0}`
  log.access(accessLine(client, method, request.url ?? path, status, STATUS_CODES[status] ?? ''))
}

const talk = async (talker: Talk, request: IncomingMessage, response: ServerResponse): Promise<void> => {
  const { api, routes, load } = talker
  const path = withoutRoot((request.url ?? '/').replace(/\?.*$/, ''), api.settings.rootPath)
  const route = routes.find((candidate) => candidate.path === path)
  // Whoever was served while the server closes would otherwise keep it open for as long as its connection is kept alive.
  response.once('finish', () => {
    if (talker.closing) request.socket.end()
  })
  const counts = api.settings.loadTracking && route?.load === true
  if (counts) {
    load.inFlight += 1
    response.once('close', () => {
      load.inFlight -= 1
    })
  }
  const allowed = mayPass(api.settings.apiKeys, request.method ?? 'GET', path, request.headers.authorization)
  const reply = allowed ? await answer(api, await callOf(request, response, path), route) : json(401, { error: 'Unauthorized' })
  if (response.destroyed) return
  note(talker, request, path, route, deliver(response, reply))
}

const create = (settings: ServeSettings, handle: (request: IncomingMessage, response: ServerResponse) => void): Server => {
  if (settings.tls === undefined) return createServer(handle)
  const { keyFile, certFile } = settings.tls
  return createSecureServer({ key: readFileSync(keyFile), cert: readFileSync(certFile) }, handle)
}

const listen = (server: Server, { host, port }: ServeSettings): Promise<number> =>
  new Promise((resolve, reject) => {
    server.once('error', reject)
    server.listen({ host, port, exclusive: true }, () => resolve((server.address() as AddressInfo).port))
  })

/** Whether the port can be had now: throws the system's error at once, hours before a model would have been loaded. */
export const tryPort = async (settings: ServeSettings): Promise<void> => {
  const server = createServer()
  await listen(server, settings)
  await new Promise((resolve) => server.close(resolve))
}

/** Makes the server; with TLS it reads the key and the certificate. throws the system's error when it cannot. Edge: sockets. */
export const createHttpServer = (api: Api, load: Load, log: Log): HttpServer => {
  const talker: Talk = { closing: false, api, routes: routesOf(api.model.task), load, log }
  const server = create(api.settings, (request, response) => {
    talk(talker, request, response).catch((error: NodeJS.ErrnoException) => {
      // A client that leaves in the middle of its body is nobody's fault; anything else is ours.
      if (error.code !== 'ECONNRESET') log.raw(`${error.stack}\n`)
      response.destroy()
    })
  })
  return {
    listen: () => listen(server, api.settings),
    close: () =>
      new Promise((resolve) => {
        talker.closing = true
        server.close(() => resolve())
        server.closeIdleConnections()
      }),
    cut: () => server.closeAllConnections(),
  }
}
