import { type ExitCode, exitCodes } from './exit-codes.ts'

/**
 * An expected failure, worded for the user. `message` says cannot what, because which rule, given which value;
 * `fix` says what to do next; `exitCode` is what the process ends with. Anything else that is thrown is our bug (70).
 */
export class Failure extends Error {
  override readonly name = 'Failure'
  readonly exitCode: ExitCode
  readonly fix: string | undefined

  constructor(message: string, options: { exitCode: ExitCode; fix?: string; cause?: unknown }) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause })
    this.exitCode = options.exitCode
    this.fix = options.fix
  }
}

/** The code a process ends with for anything thrown: a Failure's own, else 70. */
export const exitCodeOfError = (error: unknown): number => (error instanceof Failure ? error.exitCode : exitCodes.software)

/** One line (two with a fix) for a person; a bug keeps its stack, because somebody has to find it. */
export const describeError = (error: unknown): string => {
  if (error instanceof Failure) return error.fix === undefined ? error.message : `${error.message}\n  fix: ${error.fix}`
  return error instanceof Error ? (error.stack ?? error.message) : String(error)
}
