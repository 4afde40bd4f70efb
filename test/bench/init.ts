import { type ChildProcess, spawn } from 'node:child_process'
import { readdirSync, readFileSync } from 'node:fs'
import { parseStat } from '../../src/supervisor/process-table.ts'
import { bareEnvironment } from '../stage/aim.ts'
import { until } from '../stage/until.ts'

const namespace = ['unshare', '--fork', '--pid', '--mount-proc', '--kill-child'] as const

/** A program that runs as PID 1 of a PID namespace of its own, seen from outside. */
export type Init = AsyncDisposable & {
  readonly child: ChildProcess
  /** Its pid out here. */
  readonly pid: number
  /** Pids of its children, those that it adopted and its zombies included. */
  readonly children: () => readonly number[]
  readonly zombies: () => number
  /** CPU seconds that it has used. */
  readonly cpu: () => number
}

/** Starts `command` as such; ends with everything in it when disposed. */
export const startInit = async (command: readonly string[], environment: Readonly<Record<string, string>> = {}): Promise<Init> => {
  const [file, ...words] = [...namespace, ...command] as [string, ...string[]]
  const child = spawn(file, words, { stdio: ['ignore', 'ignore', 'inherit'], env: { ...bareEnvironment(), ...environment } })
  const pid = await until(`${command.join(' ')} runs`, () => childrenOf(child.pid ?? 0)[0])
  return {
    child,
    pid,
    children: () => childrenOf(pid),
    zombies: () => childrenOf(pid).filter((each) => stat(each)?.state === 'Z').length,
    cpu: () => (stat(pid)?.ticks ?? Number.NaN) / 100,
    [Symbol.asyncDispose]: async () => {
      const ended = new Promise((resolve) => child.once('exit', resolve))
      if (child.exitCode === null && child.signalCode === null && child.kill('SIGKILL')) await ended
    },
  }
}

const stat = (pid: number): ReturnType<typeof parseStat> => parseStat(read(`/proc/${pid}/stat`))

const childrenOf = (pid: number): readonly number[] =>
  list(`/proc/${pid}/task`).flatMap((thread) => read(`/proc/${pid}/task/${thread}/children`).split(' ').filter(Boolean).map(Number))

const list = (path: string): readonly string[] => {
  try {
    return readdirSync(path)
  } catch {
    return []
  }
}

const read = (path: string): string => {
  try {
    return readFileSync(path, 'latin1')
  } catch {
    return ''
  }
}
