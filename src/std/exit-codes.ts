/**
 * The exit codes of every `aim` command: public API, never renumbered. The numbers 64..78 are those of BSD's sysexits.h,
 * 126 and 127 are the shell's for a program that cannot be run or found.
 */
export const exitCodes = {
  ok: 0,
  usage: 2,
  /** Nothing fits this machine: no GPU, no profile, not enough memory. */
  unavailable: 69,
  /** Our own bug. */
  software: 70,
  /** Storage failed: full, read-only, I/O error, a directory that cannot be written. */
  storage: 74,
  /** Not available now: try again (hub down, port busy). */
  temporary: 75,
  /** Not permitted: gated model, bad token, /dev/kfd. */
  permission: 77,
  /** Bad configuration. */
  config: 78,
  notExecutable: 126,
  notFound: 127,
} as const

/** One of our own exit codes; an engine's own code passes through beside these. */
export type ExitCode = (typeof exitCodes)[keyof typeof exitCodes]
