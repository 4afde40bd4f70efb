/** How a process ended: one shape for every way. */
export type Exit =
  | { readonly kind: 'code'; readonly code: number }
  | { readonly kind: 'signal'; readonly signal: NodeJS.Signals; readonly number: number }

/** The shell's convention, kept by every init: a death by signal is 128 plus its number. */
export const exitCodeOf = (exit: Exit): number => (exit.kind === 'code' ? exit.code : 128 + exit.number)

/** Nobody asked for this exit, so it is a failure even when the engine says 0. */
export const truthful = (exit: Exit): number => exitCodeOf(exit) || 1

/** `exited with code 3` or `was ended by SIGKILL`, to follow a subject. */
export const describeExit = (exit: Exit): string => (exit.kind === 'code' ? `exited with code ${exit.code}` : `was ended by ${exit.signal}`)
