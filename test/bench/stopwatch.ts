import { type ChildProcess, execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import { close, open, read } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { promisify } from 'node:util'
import { bareEnvironment } from '../stage/aim.ts'

/** A program to measure: its words, and what it needs in its environment beside PATH and HOME. */
export type Measured = { readonly command: readonly [string, ...string[]]; readonly environment?: Readonly<Record<string, string>> }

/** Starts a program whose output nobody needs. */
export const launch = ({ command: [file, ...words], environment }: Measured): ChildProcess =>
  spawn(file, words, { stdio: 'ignore', env: { ...bareEnvironment(), ...environment } })

/** Milliseconds from the exec of a program to its end. */
export const untilEnd = async (measured: Measured): Promise<number> => {
  const begin = performance.now()
  await once(launch(measured), 'exit')
  return performance.now() - begin
}

/** A clock that an engine stops: `engine` is a command whose first act is to do so. */
export type SpawnClock = AsyncDisposable & {
  readonly engine: readonly [string, ...string[]]
  /** Resolves at the next first act of an engine. */
  readonly begun: () => Promise<unknown>
  /** Milliseconds from the exec of a program to the first act of the engine that it spawns; resolves when the program has ended. */
  readonly untilSpawned: (measured: Measured) => Promise<number>
}

/** Makes such a clock from a FIFO in `directory`: dash opens one in about a millisecond, and a thread that sleeps in read(2) wakes us. */
export const spawnClock = async (directory: string): Promise<SpawnClock> => {
  const fifo = join(directory, 'spawned')
  execFileSync('mkfifo', [fifo])
  // For reading and writing, so that neither side ever waits for the other to open it.
  const descriptor = await promisify(open)(fifo, 'r+')
  const signalled = (): Promise<unknown> => promisify(read)(descriptor, Buffer.alloc(1), 0, 1, null)
  return {
    begun: signalled,
    engine: ['/bin/sh', '-c', 'printf x > "$0"', fifo],
    untilSpawned: async (measured) => {
      const begin = performance.now()
      const child = launch(measured)
      const ended = once(child, 'exit')
      // What the engine wrote may come in after the end of who spawned it.
      const late = ended.then(() => delay(1000, undefined))
      const took = await Promise.race([signalled().then(() => performance.now() - begin), late])
      await ended
      if (took === undefined) throw new Error(`${measured.command.join(' ')} spawned nothing; it ended with ${child.exitCode}`)
      return took
    },
    [Symbol.asyncDispose]: () => promisify(close)(descriptor),
  }
}
