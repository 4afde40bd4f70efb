import { resolve } from 'node:path'
import { parseArgs } from 'node:util'
import type { Fault } from './faults.ts'
import type { RepositorySpec } from './repository.ts'
import { startHub } from './server.ts'

const usage = 'usage: node test/hub/main.ts [--port P] [--listen ADDRESS] [--token T] [--drip BYTES_PER_SECOND] --model DIR=org/name ...'

const options = {
  port: { type: 'string', default: '0' },
  listen: { type: 'string', default: '127.0.0.1' },
  token: { type: 'string', multiple: true },
  drip: { type: 'string' },
  model: { type: 'string', multiple: true },
} as const

const repoOf = (argument: string): readonly [string, RepositorySpec] => {
  const [directory, id] = argument.split('=')
  if (directory === undefined || id === undefined) throw new Error(`--model ${argument}: want DIR=org/name`)
  return [id, { directory: resolve(directory) }]
}

const main = async (): Promise<void> => {
  const { values } = parseArgs({ options })
  if (values.model === undefined) throw new Error(usage)
  const repos = Object.fromEntries(values.model.map(repoOf))
  const faults: Fault[] = values.drip === undefined ? [] : [{ at: 'cdn', kind: 'drip', bytesPerSecond: Number(values.drip) }]
  const hub = await startHub({
    repos,
    port: Number(values.port),
    listen: values.listen,
    faults,
    ...(values.token && { tokens: values.token }),
  })
  for (const id of Object.keys(repos)) console.error(`serving ${id} at ${hub.commit(id)}`)
  console.log(hub.url)
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => void hub.close())
}

await main().catch((error: unknown) => {
  console.error(error instanceof Error ? error.message : error)
  process.exitCode = 2
})
