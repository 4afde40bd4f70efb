/** Edge: reads /proc. */
import { closeSync, openSync, readdirSync, readFileSync, readlinkSync, readSync } from 'node:fs'
import { setImmediate as nextTurn } from 'node:timers/promises'
import type { ProcessSample } from './movement.ts'
import { descendantsOf, type ProcessEntry, parseStat } from './process-table.ts'

const read = (path: string): string | undefined => {
  try {
    return readFileSync(path, 'latin1')
  } catch {
    return undefined
  }
}

/** Holds any /proc/PID/stat: 52 numbers and a name. */
const statLine = Buffer.alloc(4096)

/** One line, in half the system calls of `read`: a stop and a scrape read one for each process there is. */
const readStat = (pid: string): string => {
  try {
    const file = openSync(`/proc/${pid}/stat`, 'r')
    try {
      return statLine.toString('latin1', 0, readSync(file, statLine))
    } finally {
      closeSync(file)
    }
  } catch {
    return ''
  }
}

const processNames = (): readonly string[] => listDirectory('/proc').filter((name) => /^\d+$/.test(name))

const readEntries = (names: readonly string[]): readonly ProcessEntry[] => names.flatMap((name) => parseStat(readStat(name)) ?? [])

/** Pids of every process this one can see. */
export const processIds = (): readonly number[] => processNames().map(Number)

/** Where a process works: its current directory; undefined when it is gone or another uid's. */
export const directoryOf = (pid: number): string | undefined => {
  try {
    return readlinkSync(`/proc/${pid}/cwd`)
  } catch {
    return undefined
  }
}

/** Every process this one can see, at about one moment; those that vanish while it reads are left out. Empty where there is no /proc. */
export const processTable = (): readonly ProcessEntry[] => readEntries(processNames())

/** Processes that are read in one turn of the event loop: some tenths of a millisecond, for which a probe has to wait. */
const namesPerTurn = 16

/** The same, a few processes in each turn of the event loop: for who is not in a hurry. A machine may have thousands. */
export const processTableInTurns = async (): Promise<readonly ProcessEntry[]> => {
  const entries: ProcessEntry[] = []
  const names = processNames()
  for (let from = 0; from < names.length; from += namesPerTurn) {
    if (from > 0) await nextTurn()
    entries.push(...readEntries(names.slice(from, from + namesPerTurn)))
  }
  return entries
}

/**
 * Pids of our direct children, adopted ones included: one small read per thread of ours instead of the whole table, which is read only
 * where the kernel was built without those files (CONFIG_PROC_CHILDREN).
 */
export const childPids = (): readonly number[] => {
  const lists = listDirectory('/proc/self/task').map((thread) => read(`/proc/self/task/${thread}/children`))
  if (lists.every((list) => list === undefined)) return processTable().flatMap((entry) => (entry.parent === process.pid ? [entry.pid] : []))
  return lists.flatMap((list) =>
    (list ?? '')
      .split(' ')
      .filter((pid) => pid !== '')
      .map(Number),
  )
}

/** What a process is doing, for the report of one that stands still. */
export type ProcessReport = {
  readonly pid: number
  readonly name: string
  readonly state: string
  readonly threads: number
  readonly cpuSeconds: number
  /** The kernel function that it sleeps in. */
  readonly wchan?: string
  /** Needs root. One line, innermost frame first. */
  readonly stack?: string
}

/** Clock ticks a second in /proc/PID/stat: USER_HZ, which is 100 on every architecture that Node runs on (sysconf(_SC_CLK_TCK)). */
export const ticksPerSecond = 100

/** Describes one process; undefined when it is gone. */
export const reportProcess = (pid: number): ProcessReport | undefined => {
  const entry = parseStat(read(`/proc/${pid}/stat`) ?? '')
  if (entry === undefined) return undefined
  const wchan = read(`/proc/${pid}/wchan`)
  const stack = read(`/proc/${pid}/stack`)
    ?.trim()
    .split('\n')
    .slice(0, stackFrames)
    .map((frame) => frame.replace(/^\[<\w+>\] /, ''))
  return {
    pid,
    name: entry.name,
    state: entry.state,
    threads: entry.threads,
    cpuSeconds: entry.ticks / ticksPerSecond,
    // 0 is what a kernel says that does not tell, and of one that runs.
    ...(wchan === undefined || wchan === '0' || wchan === '' ? {} : { wchan }),
    ...(stack === undefined || stack.join('') === '' ? {} : { stack: stack.join(' < ') }),
  }
}

/** What a process and all below it have used so far. */
export const sampleTree = async (root: number): Promise<readonly ProcessSample[]> => {
  const table = await processTableInTurns()
  return [...table.filter(({ pid }) => pid === root), ...descendantsOf(table, root)].map(({ pid, startTime, ticks, pages }) => ({
    id: `${pid} ${startTime}`,
    cpuMs: (1000 * ticks) / ticksPerSecond,
    bytes: parseBytes(read(`/proc/${pid}/io`) ?? ''),
    pages,
  }))
}

/** Frames of a kernel stack that are shown. */
const stackFrames = 6

// rchar and wchar: what the disk saw (read_bytes) says nothing of a network file system or of the page cache.
const parseBytes = (io: string): number => [...io.matchAll(/^[rw]char: (\d+)$/gm)].reduce((sum, match) => sum + Number(match[1]), 0)

const listDirectory = (path: string): readonly string[] => {
  try {
    return readdirSync(path)
  } catch {
    return []
  }
}
