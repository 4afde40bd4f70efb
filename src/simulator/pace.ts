import { setTimeout as delay } from 'node:timers/promises'
import type { PhaseName } from './faults.ts'
import type { Behaviour } from './variables.ts'

/** How a process lets time pass. */
export type Pace = {
  /** Waits for seconds of the real engine, shortened by the speed. */
  readonly wait: (seconds: number) => Promise<void>
  /** The same for a part of a start-up phase, which a `stall-at` of that phase never leaves. */
  readonly phase: (name: PhaseName, seconds: number) => Promise<void>
  /** Waits for real seconds. */
  readonly real: (seconds: number) => Promise<void>
  /** Waits for ever, with the process alive. */
  readonly forever: () => Promise<void>
}

/** Longest delay that a timer takes, in milliseconds: 24 days (`TIMEOUT_MAX` of Node). */
const longest = 2 ** 31 - 1

/** Edge: the timers. */
export const createPace = ({ speed, faults }: Pick<Behaviour, 'speed' | 'faults'>): Pace => {
  const real = (seconds: number): Promise<void> => delay(1000 * seconds)
  const wait = (seconds: number): Promise<void> => real(seconds / speed)
  const forever = async (): Promise<void> => {
    for (;;) await delay(longest)
  }
  return { wait, real, forever, phase: (name, seconds) => (faults['stall-at'] === name ? forever() : wait(seconds)) }
}
