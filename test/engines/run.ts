import { ExecaError, execa } from 'execa'
import { heldLock } from './lock.ts'

type Stdio = ['ignore', 'pipe', 'pipe', ...number[]]

// Typed by hand because execa's types, unlike execa, take no descriptor but 0 to 2.
const start = (command: string, args: string[], env: Record<string, string>) => {
  const fd = heldLock.getStore()
  const stdio: Stdio = ['ignore', 'pipe', 'pipe', ...(fd === undefined ? [] : [fd])]
  return execa(command, args, { env, stdio: stdio as ['ignore', 'pipe', 'pipe'] })
}

/** Runs a command to its end and gives its standard output; a failure says which command it was and what it wrote to standard error. */
export const run = async (command: string, args: string[], options: { env?: Record<string, string> } = {}): Promise<string> => {
  try {
    return (await start(command, args, options.env ?? {})).stdout
  } catch (error) {
    if (!(error instanceof ExecaError)) throw error
    throw new Error(`${error.shortMessage}\n${error.stderr || error.stdout || ''}`.trimEnd(), { cause: error })
  }
}

/** Whether a command ends with 0, for questions such as "does this image exist". */
export const succeeds = async (command: string, args: string[]) => !(await execa(command, args, { reject: false })).failed
