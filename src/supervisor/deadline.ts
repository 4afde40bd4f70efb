/** Edge: timers. */
import type { Clock } from '../std/clock.ts'

/** Time is counted in slices of so many milliseconds, and one slice for no more than twice that. */
const sliceMs = 1000

/**
 * Calls `onDue` after `ms` in which this process ran: while it is stopped (SIGSTOP, `docker pause`, a frozen virtual machine) the engine
 * could not get on either, and a timer that is due the moment we wake up would end an engine that has done nothing wrong. Gives the way
 * to call it off.
 */
export const startDeadline = (ms: number, clock: Clock, onDue: () => void): (() => void) => {
  let left = ms
  let timer: NodeJS.Timeout
  const next = (): void => {
    const began = clock.now()
    const slice = Math.min(left, sliceMs)
    timer = setTimeout(() => {
      left -= Math.min(clock.now() - began, slice + sliceMs)
      if (left < 1) onDue()
      else next()
    }, slice)
  }
  next()
  return () => clearTimeout(timer)
}
