/** Edge: starts and signals processes. */
import { type ChildProcess, spawn } from 'node:child_process'
import { constants } from 'node:os'
import type { Readable } from 'node:stream'
import type { Exit } from './exit.ts'
import { type LineSplitter, splitLines } from './lines.ts'
import type { Program } from './program.ts'

/** After the exit, how long to wait for the last words when a stray still holds the pipe open; milliseconds. */
const lastWordsMs = 100

/** What a spawned program reports. `onExit` comes after the last line unless a stray holds the pipe. */
export type Listener = {
  readonly onSpawned: (pid: number) => void
  /** `code` is the system's (`ENOENT` ...); the exit code is 127 when nothing was found, else 126, as a shell has it. */
  readonly onSpawnFailed: (code: string, exitCode: 126 | 127) => void
  readonly onLine: (line: string, stream: 'stdout' | 'stderr') => void
  readonly onExit: (exit: Exit) => void
}

/** Starts `program` in a session and process group of its own, with default signal dispositions (libuv resets them) and no stdin. */
export const spawnProgram = (program: Program, listener: Listener): void => {
  const child = start(program, listener)
  if (child === undefined) return
  child.on('error', (error) => {
    if (child.pid === undefined) failSpawn(error, listener)
  })
  if (child.pid === undefined) return
  listener.onSpawned(child.pid)
  const ended = [
    read(child.stdout, (line) => listener.onLine(line, 'stdout')),
    read(child.stderr, (line) => listener.onLine(line, 'stderr')),
  ]
  child.on('exit', (code, signal) => {
    const exit: Exit = signal === null ? { kind: 'code', code: code ?? 1 } : { kind: 'signal', signal, number: constants.signals[signal] }
    const report = once(() => listener.onExit(exit))
    void Promise.all(ended).then(report)
    setTimeout(report, lastWordsMs).unref()
  })
}

/** Signals one process, or with a negative pid its group; false when there is none. */
export const signalProcess = (pid: number, signal: NodeJS.Signals): boolean => {
  try {
    return process.kill(pid, signal)
  } catch {
    return false
  }
}

const start = (program: Program, listener: Listener): ChildProcess | undefined => {
  try {
    return spawn(program.file, program.arguments, {
      cwd: program.directory,
      env: program.environment,
      detached: true,
      stdio: ['ignore', 'pipe', 'pipe'],
    })
  } catch (error) {
    failSpawn(error, listener)
    return undefined
  }
}

const failSpawn = (error: unknown, listener: Listener): void => {
  const code = (error as NodeJS.ErrnoException).code ?? 'EINVAL'
  listener.onSpawnFailed(code, code === 'ENOENT' ? 127 : 126)
}

const read = (stream: Readable | null, onLine: (line: string) => void): Promise<void> => {
  if (stream === null) return Promise.resolve()
  const splitter: LineSplitter = splitLines(onLine)
  stream.setEncoding('utf8')
  stream.on('data', (text: string) => splitter.push(text))
  return new Promise((resolve) => {
    stream.on('close', () => {
      splitter.end()
      resolve()
    })
  })
}

const once = (action: () => void): (() => void) => {
  let done = false
  return () => {
    if (!done) action()
    done = true
  }
}
