import { once } from 'node:events'
import { type AddressInfo, connect, createServer, type Socket } from 'node:net'

/** Bytes of one direction of one connection on their way at most: what a TCP window would be (tcp_rmem's largest, 6 MiB). */
const windowBytes = 6 * 1024 ** 2

/** A link that all connections share: how long one way takes, and how many bytes it carries in a second. */
export type Link = { readonly roundTripMs: number; readonly bytesPerSecond: number }

/** When the last byte of a chunk that enters now leaves the link, before the way itself. */
const createQueue = ({ bytesPerSecond }: Link): ((bytes: number) => number) => {
  let freeMs = 0
  return (bytes) => {
    freeMs = Math.max(freeMs, performance.now()) + (bytes * 1000) / bytesPerSecond
    return freeMs
  }
}

/** Passes on what comes from `from` so many milliseconds after it has left the queue, in order. */
const delayed = (from: Socket, to: Socket, ms: number, queue: (bytes: number) => number): void => {
  const line: { readonly chunk: Buffer | undefined; readonly dueMs: number }[] = []
  let onTheWay = 0
  let scheduled = false
  const schedule = (wait: number): void => {
    if (scheduled) return
    scheduled = true
    setTimeout(pass, wait)
  }
  const pass = (): void => {
    scheduled = false
    if (to.destroyed) return
    while (line[0] !== undefined && line[0].dueMs <= performance.now()) {
      const { chunk } = line.shift() as (typeof line)[number]
      if (chunk === undefined) to.end()
      else {
        onTheWay -= chunk.length
        to.write(chunk)
      }
    }
    if (from.isPaused() && onTheWay + to.writableLength < windowBytes) from.resume()
    const wait = line[0] === undefined ? (from.isPaused() ? 1 : undefined) : Math.max(1, line[0].dueMs - performance.now())
    if (wait !== undefined) schedule(wait)
  }
  const enter = (chunk: Buffer | undefined): void => {
    line.push({ chunk, dueMs: queue(chunk?.length ?? 0) + ms })
    onTheWay += chunk?.length ?? 0
    if (onTheWay + to.writableLength >= windowBytes) from.pause()
    schedule(ms)
  }
  from.on('data', enter).on('end', () => enter(undefined))
  for (const socket of [from, to]) socket.on('error', () => to.destroy())
  from.on('close', () => {
    if (from.errored) to.destroy()
  })
}

/** A TCP relay to a port of this machine that is such a link, for kernels without netem. */
export const startRelay = async (target: number, link: Link) => {
  const sockets = new Set<Socket>()
  const [up, down] = [createQueue(link), createQueue(link)]
  const server = createServer({ allowHalfOpen: true, highWaterMark: 256 * 1024 }, (near) => {
    const far = connect({ port: target, host: '127.0.0.1', allowHalfOpen: true })
    for (const socket of [near, far]) {
      sockets.add(socket)
      socket.setNoDelay(true).once('close', () => sockets.delete(socket))
    }
    delayed(near, far, link.roundTripMs / 2, up)
    delayed(far, near, link.roundTripMs / 2, down)
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  return {
    port: (server.address() as AddressInfo).port,
    close: async (): Promise<void> => {
      for (const socket of sockets) socket.destroy()
      server.close()
      await once(server, 'close')
    },
  }
}
