import { once } from 'node:events'
import { createServer } from 'node:net'

/** Below the range from which the kernel takes ports for outgoing connections (ip_local_port_range begins at 32768), so that no client of a test takes one meanwhile. */
const [lowest, highest] = [12_000, 32_000] as const

const isFree = async (port: number): Promise<boolean> => {
  const server = createServer()
  const listening = once(server, 'listening').then(
    () => true,
    () => false,
  )
  server.listen(port)
  const free = await listening
  if (free) await new Promise((resolve) => server.close(resolve))
  return free
}

/** `count` TCP ports that nobody listens on now; drawn at random, since other test files draw at the same time. */
export const freePorts = async (count: number): Promise<readonly number[]> => {
  const ports = new Set<number>()
  while (ports.size < count) {
    const port = lowest + Math.floor(Math.random() * (highest - lowest))
    if (await isFree(port)) ports.add(port)
  }
  return [...ports]
}
