import { describeError, exitCodeOfError } from '../std/failure.ts'
import { surviveClosedOutput } from './speech.ts'
import { type Behaviour, parseBehaviour } from './variables.ts'

/** What each role does; loaded when it is needed, for there are three processes to a start. */
const lives: Readonly<Record<string, (argv: readonly string[], behaviour: Behaviour) => Promise<number>>> = {
  serve: async (argv, behaviour) => (await import('./serve.ts')).runServe(argv, behaviour),
  'engine-core': async (_, behaviour) => (await import('./core.ts')).runCore(behaviour),
  worker: async (_, behaviour) => (await import('./worker.ts')).runWorker(behaviour),
  stray: async () => (await import('./strays.ts')).runStray(),
  'stray-parent': async () => (await import('./strays.ts')).runStrayParent(),
}

/**
 * Runs the simulator: `argv` is `serve MODEL ...` as for `vllm`, or the role of one of its own child processes. Gives the code to exit
 * with; the caller has to end the process, for timers and channels may be left. A real signal may end it before.
 */
export const runSimulator = async (argv: readonly string[]): Promise<number> => {
  surviveClosedOutput()
  const [role = '', ...rest] = argv
  const life = lives[role]
  if (life === undefined) {
    process.stderr.write(
      `usage: vllm serve [model_tag] [options]\nvllm: error: argument subparser: invalid choice: '${role}' (choose from serve)\n`,
    )
    return 2
  }
  try {
    return await life(rest, parseBehaviour(process.env))
  } catch (error) {
    process.stderr.write(`${describeError(error)}\n`)
    return exitCodeOfError(error)
  }
}
