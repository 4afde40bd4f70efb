import { type ChildProcess, spawn } from 'node:child_process'

/** The words that name what a process of the simulator is; `serve` is the one people use. */
export const roles = ['serve', 'engine-core', 'worker', 'stray', 'stray-parent'] as const

/** What a process of the simulator is. */
export type Role = (typeof roles)[number]

/** The words of this process's command line that come before its role: none from source, `simulator` below `aim`. */
export const leadingWords = (argv: readonly string[]): readonly string[] => {
  const at = argv.findIndex((word) => (roles as readonly string[]).includes(word))
  return argv.slice(0, Math.max(0, at))
}

/**
 * Starts this same program in another role: its output is ours, and a channel for messages lies between. It stays in our session unless
 * `ownSession`. Edge: spawns.
 */
export const spawnRole = (role: Role, ownSession = false): ChildProcess => {
  const program = process.argv[1] ?? ''
  const words = leadingWords(process.argv.slice(2))
  const stdio = ['ignore', 'inherit', 'inherit', 'ipc'] as const
  return spawn(process.execPath, [...process.execArgv, program, ...words, role], { stdio: [...stdio], detached: ownSession })
}

/** Sends a message to the process that spawned us; one that is gone is no error. */
export const tellParent = (message: object): void => {
  process.send?.(message, undefined, undefined, () => undefined)
}

/** Sends a message to a process that we spawned; one that is gone is no error. */
export const tell = (child: ChildProcess, message: object): void => {
  if (child.connected) child.send(message, () => undefined)
}

/** Ends a process by its id at once; one that is gone is no error. */
export const kill = (pid: number, signal: NodeJS.Signals = 'SIGKILL'): void => {
  try {
    process.kill(pid, signal)
  } catch {
    // ESRCH: it was quicker.
  }
}
