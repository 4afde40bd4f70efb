/** Edge: the operator's HTTP listener. */
import type { Server as HttpServer, IncomingMessage, ServerResponse } from 'node:http'
import { type AddressInfo, createServer, type Socket } from 'node:net'
import { exitCodes } from '../std/exit-codes.ts'
import { Failure } from '../std/failure.ts'
import { answer, type Sources } from './answer.ts'

/** A running listener. */
export type Listener = { readonly port: number; readonly close: () => void }

/** A client that sends nothing must not hold a connection for ever; milliseconds. */
const longestSilenceMs = 10_000

/** More at once than any probe and scraper make, and few enough to leave descriptors for our own work. */
const maxConnections = 512

/**
 * Listens at once and serves HTTP a little later: node:http costs as much to load as the rest of our start, so it is loaded by the first
 * connection or by `warm`, and sockets that came before are handed over. A connection that is silent for `silenceMs` is closed. Fails with 75
 * when the port is taken.
 */
export const startListener = (
  host: string,
  port: number,
  sources: Sources,
  silenceMs = longestSilenceMs,
): Promise<Listener & { readonly warm: () => void }> => {
  let http: Promise<HttpServer> | undefined
  const load = (): Promise<HttpServer> => {
    http ??= createHttpServer(sources, silenceMs)
    return http
  }
  const server = createServer({ pauseOnConnect: true, noDelay: true }, (socket) => void load().then((loaded) => hand(loaded, socket)))
  return new Promise((resolve, reject) => {
    server.once('error', (error: NodeJS.ErrnoException) => reject(cannotListen(host, port, error)))
    server.maxConnections = maxConnections
    server.listen({ port, ...(host === '' ? {} : { host }) }, () => {
      // An error of accepting one connection later is no reason to end.
      server.on('error', () => undefined)
      resolve({ port: (server.address() as AddressInfo).port, close: () => server.close(), warm: () => void load() })
    })
  })
}

const hand = (server: HttpServer, socket: Socket): void => {
  server.emit('connection', socket)
  socket.resume()
}

const createHttpServer = async (sources: Sources, silenceMs: number): Promise<HttpServer> => {
  const { createServer: create } = await import('node:http')
  const server = create((request, response) => void respond(request, response, sources))
  // By inactivity: the server's own request timeout is armed by its listening, which it never does.
  server.setTimeout(silenceMs)
  server.keepAliveTimeout = silenceMs
  return server
}

const respond = async (request: IncomingMessage, response: ServerResponse, sources: Sources): Promise<void> => {
  try {
    const path = (request.url ?? '/').split('?', 1)[0] ?? '/'
    const { status, contentType, body } = await answer(request.method ?? 'GET', path, sources)
    response.writeHead(status, { 'content-type': contentType, 'cache-control': 'no-store', 'content-length': Buffer.byteLength(body) })
    response.end(request.method === 'HEAD' ? undefined : body)
  } catch {
    response.writeHead(500).end()
  }
}

const cannotListen = (host: string, port: number, error: NodeJS.ErrnoException): Failure =>
  new Failure(`cannot serve probes and metrics: port ${port}${host === '' ? '' : ` of ${host}`} cannot be listened on (${error.code})`, {
    exitCode: error.code === 'EADDRINUSE' ? exitCodes.temporary : exitCodes.config,
    fix:
      error.code === 'EADDRINUSE' ? 'end what listens there, or set AIM_OPS_PORT to a free port' : 'correct AIM_OPS_HOST and AIM_OPS_PORT',
    cause: error,
  })
