/** Edge: starts and signals processes. */
import { type ChildProcess, spawn } from 'node:child_process'
import { accessSync, constants as modes, statSync } from 'node:fs'
import { constants } from 'node:os'
import type { Readable } from 'node:stream'
import type { Pipe } from '../std/libc.ts'
import type { Lines } from '../std/lines.ts'
import type { Exit } from './exit.ts'
import { closeAll, openPipe, readLines } from './pipe.ts'
import type { Program } from './program.ts'

/** After the exit, how long to wait for the last words when a stray still holds the pipe open; milliseconds. */
const lastWordsMs = 100

/** Why nothing was spawned. */
export type SpawnFailure = {
  /** The system's: `ENOENT` ... */
  readonly code: string
  /** 127 when the program was not found, else 126, as a shell has it. */
  readonly exitCode: 126 | 127
  /** The working directory, when it is this that cannot be entered: the system has one code for both. */
  readonly directory?: string
}

/** What a spawned program reports. `onGone` comes when it has ended, `onExit` after its last line unless a stray holds the pipe. */
export type Listener = {
  readonly onSpawned: (pid: number) => void
  readonly onSpawnFailed: (failure: SpawnFailure) => void
  readonly onLines: (lines: Lines, stream: 'stdout' | 'stderr') => void
  readonly onGone: () => void
  readonly onExit: (exit: Exit) => void
}

/** Starts `program` in a session and process group of its own, with default signal dispositions (libuv resets them) and no stdin. */
export const spawnProgram = (program: Program, listener: Listener): void => {
  const [out, err] = [openPipe(), openPipe()]
  const child = start(program, [out, err], listener)
  closeAll([out?.write, err?.write])
  if (child?.pid === undefined) {
    closeAll([out?.read, err?.read])
    child?.on('error', (error) => listener.onSpawnFailed(failureOf(error, program)))
    return
  }
  listener.onSpawned(child.pid)
  const read = (from: number | Readable | null | undefined, stream: 'stdout' | 'stderr'): Promise<void> | undefined =>
    from == null ? undefined : readLines(from, (lines) => listener.onLines(lines, stream))
  const ended = [read(out?.read ?? child.stdout, 'stdout'), read(err?.read ?? child.stderr, 'stderr')]
  child.on('exit', (code, signal) => {
    listener.onGone()
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

const start = (program: Program, outputs: readonly (Pipe | undefined)[], listener: Listener): ChildProcess | undefined => {
  try {
    return spawn(program.file, program.arguments, {
      cwd: program.directory,
      env: program.environment,
      detached: true,
      stdio: ['ignore', ...outputs.map((pipe) => pipe?.write ?? 'pipe')],
    })
  } catch (error) {
    listener.onSpawnFailed(failureOf(error, program))
    return undefined
  }
}

const failureOf = (error: unknown, { directory }: Program): SpawnFailure => {
  const code = (error as NodeJS.ErrnoException).code ?? 'EINVAL'
  if ((code === 'ENOENT' || code === 'EACCES' || code === 'ENOTDIR') && !canEnter(directory)) return { code, exitCode: 126, directory }
  return { code, exitCode: code === 'ENOENT' ? 127 : 126 }
}

const canEnter = (directory: string): boolean => {
  try {
    accessSync(directory, modes.X_OK)
    return statSync(directory).isDirectory()
  } catch {
    return false
  }
}

const once = (action: () => void): (() => void) => {
  let done = false
  return () => {
    if (!done) action()
    done = true
  }
}
