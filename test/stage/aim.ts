import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import type { Status } from '../../src/ops/status.ts'
import { bundleVariable } from './bundle.ts'
import { freePorts } from './ports.ts'
import { Hopeless, until } from './until.ts'

const root = join(import.meta.dirname, '../..')

/** The words that run `aim` on this Node: from the bundle that the suite made, or from the sources when a file is run by itself. */
export const aimCommand: readonly [string, ...string[]] = [process.execPath, process.env[bundleVariable] ?? join(root, 'src/main.ts')]

/** An environment that holds nothing of the caller's but what a program needs to run. */
export const bareEnvironment = (): Record<string, string> => ({ PATH: process.env.PATH ?? '', HOME: process.env.HOME ?? '/root' })

/** An answer of the running supervisor or engine. */
export type Answer = { readonly status: number; readonly body: string }

/** GET; rejects when nobody answers. */
export const get = async (url: string): Promise<Answer> => {
  const response = await fetch(url, { signal: AbortSignal.timeout(5000) })
  return { status: response.status, body: await response.text() }
}

/** A running `aim serve`. */
export type Aim = AsyncDisposable & {
  readonly child: ChildProcess
  readonly port: number
  readonly opsPort: number
  readonly output: () => string
  readonly status: () => Promise<Status>
  readonly probe: (path: string) => Promise<number>
  readonly until: (state: string, ms?: number) => Promise<Status>
  /** Exit code, or the signal's name. */
  readonly exited: Promise<number | string>
}

export type AimOptions = {
  readonly environment?: Readonly<Record<string, string>>
  readonly command?: readonly [string, ...string[]]
  readonly words?: readonly string[]
}

/** Starts `aim serve` in a session of its own. */
export const startAim = async ({ environment = {}, command = aimCommand, words = [] }: AimOptions): Promise<Aim> => {
  const [port = 0, opsPort = 0] = await freePorts(2)
  const [file, ...rest] = command
  const child = spawn(file, [...rest, ...words], {
    detached: true,
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { ...bareEnvironment(), AIM_PORT: String(port), AIM_OPS_PORT: String(opsPort), AIM_TERMINATION_LOG: '/dev/null', ...environment },
  })
  let output = ''
  for (const stream of [child.stdout, child.stderr]) stream?.setEncoding('utf8').on('data', (text: string) => (output += text))
  const exited = once(child, 'close').then(([code, signal]) => (code ?? signal) as number | string)
  const ops = `http://127.0.0.1:${opsPort}`
  const status = async (): Promise<Status> => JSON.parse((await get(`${ops}/status`)).body)
  return {
    child,
    port,
    opsPort,
    output: () => output,
    status,
    probe: async (path) => (await get(`${ops}${path}`)).status,
    until: (state, ms) =>
      until(
        `state ${state}\n${output.slice(-3000)}`,
        async () => {
          if (child.exitCode !== null) throw new Hopeless(`aim exited with ${child.exitCode}\n${output.slice(-3000)}`)
          const now = await status()
          return now.state === state ? now : undefined
        },
        ms,
      ).catch((error: unknown) => {
        throw new Error(`${String(error)}\n${output.slice(-4000)}`)
      }),
    exited,
    [Symbol.asyncDispose]: async () => {
      if (child.exitCode === null && child.signalCode === null) child.kill('SIGTERM')
      if (child.exitCode === null && child.signalCode === null) child.kill('SIGTERM')
      await exited
    },
  }
}
