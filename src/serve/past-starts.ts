/** What starts took, in time and memory, kept beside the cache; what reads and writes it is loaded when it is needed. */
import { bootsDirectory, startsDirectory } from '../config/rooms.ts'
import type { Options } from '../config/variables.ts'
import type { PastStarts } from './startup.ts'

/** The past starts of these options; `settled` when what was taught last is written. */
export const keepStarts = (options: Options): PastStarts & { readonly settled: () => Promise<void> } => {
  let teaching: Promise<void> = Promise.resolve()
  return {
    read: async (launch) => (await import('./last-start.ts')).readLastStart(startsDirectory(options), launch),
    write: async (launch, past) => (await import('./last-start.ts')).writeLastStart(startsDirectory(options), launch, past),
    teach: (launch, figures, outcome) => {
      teaching = import('./boots.ts').then(({ writeBoot }) => writeBoot(bootsDirectory(options), launch, figures, outcome, new Date()))
    },
    settled: () => teaching,
  }
}
