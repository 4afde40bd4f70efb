import type { Launch } from '../plan/launch.ts'
import { formatBytes } from '../std/bytes.ts'
import type { Held } from '../supervisor/memory.ts'
import type { Survivor } from '../supervisor/sweep.ts'
import type { LastWords } from './last-words.ts'

/** The engine's program could not be run; `code` is the system's. */
export const cannotSpawn = (launch: Launch | undefined, code: string): LastWords => {
  const file = launch?.engine.argv[0] ?? 'the engine'
  const missing = code === 'ENOENT'
  return {
    exitCode: missing ? 127 : 126,
    whose: 'aim',
    sentence: `cannot start the engine: ${file} ${missing ? 'was not found (or the interpreter that its first line names)' : `cannot be run (${code})`}`,
    fix: missing
      ? 'use an image that has vllm on PATH, or name the program by AIM_ENGINE_COMMAND'
      : 'make it an executable file, or name another by AIM_ENGINE_COMMAND',
  }
}

/** Processes of the engine outlived SIGKILL. */
export const cannotEnd = (survivors: readonly Survivor[]): LastWords => {
  const named = survivors.map(
    ({ pid, name, state, stack }) => `${name} (pid ${pid}, state ${state}${stack === undefined ? '' : `, ${stack.trim().split('\n')[0]}`})`,
  )
  return {
    exitCode: 1,
    whose: 'aim',
    sentence: `these processes of the engine could not be ended: ${named.join(', ')}`,
    fix: 'the node needs a look: a process in state D hangs in the kernel',
  }
}

/** GPU memory that did not come back after the engine's end; `users` are phrases on who can be seen to use it. */
export const notGivenBack = (held: readonly Held[], users: readonly string[]): LastWords => ({
  exitCode: 1,
  whose: 'aim',
  sentence: `GPU memory of the engine did not come back: ${[...held.map(describeHeld), ...users].join('; ')}`,
  fix: 'the node needs a look: end what still holds it; where nobody does the driver has lost it, which a reset of the GPU or a newer driver cures',
})

const describeHeld = ({ device, bytes, holders }: Held): string => {
  const who = holders.map(({ pid, bytes: own }) => `pid ${pid} of the host has ${formatBytes(own)}`)
  return `${device} still holds ${formatBytes(bytes)} (${who.length === 0 ? 'the driver names no process that has it' : who.join(', ')})`
}
