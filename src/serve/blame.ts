import type { ExitMeaning } from '../engine/adapter.ts'
import type { Launch } from '../plan/launch.ts'
import { formatBytes } from '../std/bytes.ts'
import { describeExit, type Exit } from '../supervisor/exit.ts'
import type { Held } from '../supervisor/memory.ts'
import type { SpawnFailure } from '../supervisor/spawn.ts'
import type { Survivor } from '../supervisor/sweep.ts'
import type { LastWords, Whose } from './last-words.ts'
import type { Stall } from './stall.ts'

/** What an engine's end is put down to. `cause` is short and stable, for metric labels. */
export type Blame = {
  readonly cause: string
  readonly whose: Whose
  readonly sentence: string
  readonly fix?: string
  readonly evidence: readonly string[]
}

/** Puts an end down to its cause. `stall` is the standstill that it was killed for, which says more than how it died of that. */
export const blame = ({ cause, sentence, fix, evidence, exitCode }: ExitMeaning, exit: Exit, stall: Stall | undefined): Blame => {
  if (stall !== undefined) return { cause: 'stalled', whose: 'killed', sentence: stall.sentence, fix: stall.fix, evidence: stall.evidence }
  return {
    cause,
    whose: exitCode === undefined ? 'engine' : 'aim',
    sentence: cause === 'unknown' ? sentence : `${sentence}; the engine ${describeExit(exit)}`,
    ...(fix === undefined ? {} : { fix }),
    evidence,
  }
}

/** Codes of execve(2), fork(2) and pipe(2) that ask for something else than another program: what they say and what to do. */
const spawnWords: Readonly<Record<string, readonly [says: string, fix: string]>> = {
  ENOENT: [
    'was not found (or the interpreter that its first line names)',
    'use an image that has vllm on PATH, or name the program by AIM_ENGINE_COMMAND',
  ],
  EACCES: [
    'may not be executed (EACCES: no execute permission for this uid, a directory on its path closed to it, or a volume mounted noexec)',
    'make it an executable file on a volume that allows it, or name another by AIM_ENGINE_COMMAND',
  ],
  ENOEXEC: [
    'is no program for this machine (ENOEXEC: another architecture, or a script whose first line names no interpreter)',
    'use an image for this architecture, or name another program by AIM_ENGINE_COMMAND',
  ],
  EAGAIN: [
    'could not be started because no more processes are allowed (EAGAIN)',
    'raise the limit: docker run --pids-limit, podPidsLimit of the kubelet, or ulimit -u',
  ],
  ENOMEM: ['could not be started for lack of host memory (ENOMEM)', "raise the container's memory limit, or free memory on the host"],
  EMFILE: ['could not be started because no more files may be open (EMFILE)', 'raise the limit: docker run --ulimit nofile=65536'],
  E2BIG: [
    'could not be started: its arguments and environment are longer than the kernel takes (E2BIG)',
    'shorten AIM_ENGINE_ARGS, or remove variables that the engine does not need',
  ],
}

/** The engine's program could not be run. */
export const cannotSpawn = (launch: Launch | undefined, { code, exitCode, directory }: SpawnFailure): LastWords => {
  const file = launch?.engine.argv[0] ?? 'the engine'
  if (directory !== undefined)
    return {
      exitCode,
      whose: 'aim',
      sentence: `cannot start the engine: its working directory ${directory} cannot be entered (${code})`,
      fix: 'something removed or closed it: give the container a /tmp of its own that this uid can write to, or name another place by TMPDIR',
    }
  const [says, fix] = spawnWords[code] ?? [`cannot be run (${code})`, 'make it an executable file, or name another by AIM_ENGINE_COMMAND']
  return { exitCode, whose: 'aim', sentence: `cannot start the engine: ${file} ${says}`, fix }
}

/** Processes of the engine outlived SIGKILL. */
export const cannotEnd = (survivors: readonly Survivor[]): LastWords => {
  const named = survivors.map(
    ({ pid, name, state, wchan, stack }) =>
      `${name} (${[`pid ${pid}`, `state ${state}`, ...(wchan === undefined ? [] : [`sleeps in ${wchan}`]), ...(stack === undefined ? [] : [`kernel stack ${stack}`])].join(', ')})`,
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
