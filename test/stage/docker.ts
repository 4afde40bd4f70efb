import { type ChildProcess, spawn } from 'node:child_process'
import { join } from 'node:path'
import { execa } from 'execa'
import type { Status } from '../../src/ops/status.ts'
import { ensureBaseImages } from '../engines/base.ts'
import { get } from './aim.ts'
import { freePorts } from './ports.ts'
import { Hopeless, until } from './until.ts'

const root = join(import.meta.dirname, '../..')

/** Name of the image that the tests build from this checkout. */
export const image = process.env.AIM_TEST_IMAGE ?? 'aim-test/aim'

/** Builds the product's image on the stand-in bases; quick when nothing changed. */
export const buildImage = async (): Promise<string> => {
  const { base, node } = await ensureBaseImages()
  // The classic builder: it is the only one that Debian's docker.io has.
  await execa(
    'docker',
    ['build', '--network', 'host', '--build-arg', `BASE_IMAGE=${base}`, '--build-arg', `NODE_IMAGE=${node}`, '-t', image, root],
    {
      env: { DOCKER_BUILDKIT: '0' },
      all: true,
    },
  )
  return image
}

/** docker with these words; stdout, or an error that says what it said. */
export const docker = async (...words: readonly string[]): Promise<string> => (await execa('docker', words)).stdout

/** Runs a container to its end: exit code and everything it wrote. */
export const runToEnd = async (words: readonly string[]): Promise<{ readonly code: number; readonly output: string }> => {
  const { exitCode, all } = await execa('docker', ['run', '--rm', ...words], { reject: false, all: true })
  return { code: exitCode ?? -1, output: all }
}

/** A running container of the image with its probes on the host's network. */
export type Container = AsyncDisposable & {
  readonly id: string
  readonly port: number
  readonly ops: string
  readonly status: () => Promise<Status>
  readonly exec: (...words: readonly string[]) => Promise<string>
  readonly logs: () => Promise<string>
  readonly until: (state: string, ms?: number) => Promise<Status>
  /** Waits for the end; the exit code. */
  readonly wait: () => Promise<number>
  /** Who is attached to its output. */
  readonly reader: ChildProcess | undefined
}

export type ContainerOptions = {
  readonly environment?: Readonly<Record<string, string>>
  readonly words?: readonly string[]
  readonly command?: readonly string[]
  /** Somebody is attached to its output and does not read it. */
  readonly unread?: boolean
}

/** Starts one, detached; it is removed at the end of the scope. */
export const startContainer = async ({
  environment = {},
  words = [],
  command = [],
  unread = false,
}: ContainerOptions): Promise<Container> => {
  const [port = 0, opsPort = 0] = await freePorts(2)
  const variables = { AIM_PORT: String(port), AIM_OPS_PORT: String(opsPort), ...environment }
  const id = await docker(
    'create',
    '--network',
    'host',
    ...Object.entries(variables).flatMap(([name, value]) => ['-e', `${name}=${value}`]),
    ...words,
    image,
    ...command,
  )
  const reader = unread ? spawn('docker', ['start', '-a', id], { stdio: ['ignore', 'pipe', 'pipe'] }) : undefined
  if (reader === undefined) await docker('start', id)
  else await until('it runs', async () => ((await docker('inspect', '-f', '{{.State.Status}}', id)) === 'created' ? undefined : true))
  const ops = `http://127.0.0.1:${opsPort}`
  const status = async (): Promise<Status> => JSON.parse((await get(`${ops}/status`)).body) as Status
  const logs = async (): Promise<string> => (await execa('docker', ['logs', id], { all: true })).all
  return {
    id,
    port,
    ops,
    status,
    logs,
    reader,
    exec: (...more) => docker('exec', id, ...more),
    until: async (state, ms) => {
      try {
        return await until(
          `state ${state}`,
          async () => {
            if ((await docker('inspect', '-f', '{{.State.Running}}', id)) !== 'true') throw new Hopeless('it has ended')
            const now = await status()
            return now.state === state ? now : undefined
          },
          ms,
        )
      } catch (error) {
        throw new Error(`${String(error)}\n${(await logs()).slice(-4000)}`)
      }
    },
    wait: async () => Number(await docker('wait', id)),
    [Symbol.asyncDispose]: async () => {
      reader?.kill('SIGKILL')
      await execa('docker', ['rm', '-f', id], { reject: false })
    },
  }
}
