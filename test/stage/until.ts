import { setTimeout as delay } from 'node:timers/promises'

/** What is waited for cannot come any more. */
export class Hopeless extends Error {}

/** Waits until `look` gives something; fails after `ms`, long enough for a machine that does much else, with what was seen last. The one place of the tests where time passes. */
export const until = async <T>(what: string, look: () => Promise<T | undefined> | T | undefined, ms = 120_000): Promise<T> => {
  const deadline = performance.now() + ms
  let last: unknown
  for (;;) {
    try {
      const found = await look()
      if (found !== undefined) return found
    } catch (error) {
      if (error instanceof Hopeless) throw error
      last = error
    }
    if (performance.now() > deadline) throw new Error(`waited ${ms} ms in vain: ${what}`, { cause: last })
    await delay(25)
  }
}
