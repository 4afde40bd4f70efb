import { readFileSync } from 'node:fs'
import { setTimeout as delay } from 'node:timers/promises'

/** Resident memory of a process in MB (10^6 bytes): all of it, and its share of it when shared pages are divided among their users. */
export type Memory = { readonly rss: number; readonly pss: number }

/** A process is at rest when so many looks in a row, a second apart, differ by less than this share. */
const looks = 5
const tolerance = 0.005

/** The memory of a process once it has stopped changing, or after a minute. */
export const memoryAtRest = async (pid: number): Promise<Memory> => {
  const seen: Memory[] = []
  while (seen.length < 60) {
    await delay(1000)
    seen.push(memoryOf(pid))
    const last = seen.slice(-looks).map(({ rss }) => rss)
    if (last.length === looks && Math.max(...last) - Math.min(...last) < tolerance * Math.max(...last)) break
  }
  return memoryOf(pid)
}

const memoryOf = (pid: number): Memory => ({
  rss: field(`/proc/${pid}/status`, 'VmRSS'),
  pss: field(`/proc/${pid}/smaps_rollup`, 'Pss'),
})

const field = (file: string, name: string): number =>
  (Number(new RegExp(`^${name}:\\s+(\\d+) kB`, 'm').exec(readFileSync(file, 'utf8'))?.[1]) * 1024) / 1e6
