import { spawn } from 'node:child_process'
import { setTimeout as delay } from 'node:timers/promises'
import { treeOf } from '../observer/process-tree.ts'
import { environment, freePort, simulator } from './fixture.ts'

/** How a process ended. */
export type Exit = { readonly code: number | null; readonly signal: string | null }

/** A simulator that was started; whatever is left of its tree goes when the block ends. */
export type Engine = AsyncDisposable & {
  readonly pid: number
  readonly port: number
  readonly url: string
  readonly stdout: () => string
  readonly stderr: () => string
  readonly exit: Promise<Exit>
  readonly kill: (signal: NodeJS.Signals) => void
}

/** Asks again and again until something holds; fails with what it waited for. */
export const eventually = async (what: string, condition: () => boolean | Promise<boolean>, limitMs = 120_000): Promise<void> => {
  const from = performance.now()
  while (!(await condition())) {
    if (performance.now() - from > limitMs) throw new Error(`waited ${limitMs} ms in vain until ${what}`)
    await delay(10)
  }
}

const clean = (root: number): void => {
  for (const { pid } of treeOf(root)) {
    try {
      process.kill(pid, 'SIGKILL')
    } catch {
      // It was quicker.
    }
  }
}

/** Starts `serve MODEL --port PORT` and these words, two hundred times faster than the real engine, with these variables. */
export const start = async (model: string, words: readonly string[] = [], env: Readonly<Record<string, string>> = {}): Promise<Engine> => {
  const port = await freePort()
  const [program = '', ...command] = [...simulator, 'serve', model, '--port', String(port), ...words]
  const variables = { ...environment, AIM_SIMULATOR_SPEED: '200', AIM_SIMULATOR_TOKEN_MS: '2', AIM_SIMULATOR_PREFILL_MS: '2', ...env }
  const child = spawn(program, command, { env: variables, detached: true, stdio: ['ignore', 'pipe', 'pipe'] })
  let stdout = ''
  let stderr = ''
  child.stdout.on('data', (chunk) => {
    stdout += chunk
  })
  child.stderr.on('data', (chunk) => {
    stderr += chunk
  })
  const exited = new Promise<Exit>((resolve) => child.once('exit', (code, signal) => resolve({ code, signal })))
  const pid = child.pid ?? 0
  return {
    pid,
    port,
    url: `http://127.0.0.1:${port}`,
    stdout: () => stdout,
    stderr: () => stderr,
    // What a process wrote last may come after its end.
    exit: exited.then(async (exit) => {
      await delay(0)
      return exit
    }),
    kill: (signal) => void child.kill(signal),
    [Symbol.asyncDispose]: async () => {
      clean(pid)
      await exited
    },
  }
}

/** Waits until the engine answers /health with 200; fails with its output when it ends before. */
export const ready = async (engine: Engine): Promise<void> => {
  let ended = false
  void engine.exit.then(() => {
    ended = true
  })
  await eventually('the engine is ready', async () => {
    if (ended) throw new Error(`it ended:\n${engine.stdout()}\n${engine.stderr()}`)
    return (await status(engine, '/health')) === 200
  })
}

/** The status of a GET, or undefined when nobody answers. */
export const status = async (engine: Engine, path: string): Promise<number | undefined> => {
  try {
    const response = await fetch(`${engine.url}${path}`, { headers: { connection: 'close' } })
    await response.text()
    return response.status
  } catch {
    return undefined
  }
}

/** A POST of JSON. */
export const post = (engine: Engine, path: string, body: unknown, headers: Readonly<Record<string, string>> = {}): Promise<Response> =>
  fetch(`${engine.url}${path}`, { method: 'POST', headers: { 'content-type': 'application/json', ...headers }, body: JSON.stringify(body) })

/** The value of one sample of /metrics, by the beginning of its line. */
export const sample = async (engine: Engine, name: string): Promise<number | undefined> => {
  const text = await (await fetch(`${engine.url}/metrics`)).text()
  const line = text.split('\n').find((candidate) => candidate.startsWith(name))
  return line === undefined ? undefined : Number(line.split(' ').at(-1))
}
