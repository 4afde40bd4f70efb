/** Edge: this process's signals. */

/** What each signal means; the README's table says the same. */
export type SignalActions = {
  /** TERM, INT: drain and stop; a second one stops at once, a third one kills. */
  readonly shutdown: () => void
  /** QUIT: stop without waiting for running requests. */
  readonly quit: () => void
  /** USR1: say where we are. */
  readonly report: () => void
  /** HUP, USR2: nothing to reload; said in the log, so that nobody wonders. */
  readonly ignored: (signal: string) => void
}

/** Takes every signal that PID 1 wants: the kernel drops those without a handler, and Node opens its inspector on USR1 until one is there. */
export const handleSignals = ({ shutdown, quit, report, ignored }: SignalActions): void => {
  process.on('SIGTERM', shutdown)
  process.on('SIGINT', shutdown)
  process.on('SIGQUIT', quit)
  process.on('SIGUSR1', report)
  for (const signal of ['SIGHUP', 'SIGUSR2'] as const) process.on(signal, () => ignored(signal))
}

/** For a command: a signal that INT and TERM abort, once; the second one ends the process as usual. */
export const onInterrupt = (): AbortSignal => {
  const abort = new AbortController()
  for (const name of ['SIGINT', 'SIGTERM'] as const) process.once(name, () => abort.abort(new Error(name)))
  return abort.signal
}
