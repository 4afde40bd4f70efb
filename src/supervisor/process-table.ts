/** One line of the process table, as /proc/PID/stat has it (proc(5)). */
export type ProcessEntry = {
  readonly pid: number
  /** At most 15 bytes. */
  readonly name: string
  /** `R`, `S`, `D`, `Z`, `T` ... */
  readonly state: string
  readonly parent: number
  readonly group: number
  readonly session: number
  /** Threads that still live: a process whose first thread ended shows state `Z` while others run on. */
  readonly threads: number
  /** CPU time in clock ticks (USER_HZ): its own and of its threads, user and system. */
  readonly ticks: number
  /** Pages in memory, mapped files included. */
  readonly pages: number
  /** Clock ticks since boot: with the pid, the identity of a process. */
  readonly startTime: string
}

/** Reads one /proc/PID/stat; undefined for text that is not one. The name may hold spaces and parentheses, so the last `)` ends it. */
export const parseStat = (text: string): ProcessEntry | undefined => {
  const open = text.indexOf('(')
  const close = text.lastIndexOf(')')
  if (open < 1 || close < open) return undefined
  const fields = text.slice(close + 2).split(' ')
  const [state, parent, group, session] = fields
  const startTime = fields[19]
  if (state === undefined || startTime === undefined) return undefined
  return {
    pid: Number(text.slice(0, open - 1)),
    name: text.slice(open + 1, close),
    state,
    parent: Number(parent),
    group: Number(group),
    session: Number(session),
    threads: Number(fields[17]),
    ticks: Number(fields[11]) + Number(fields[12]),
    pages: Number(fields[21]),
    startTime,
  }
}

/** Whether it still runs: a process whose first thread has ended shows as a zombie while others of it live, work and hold memory. */
export const isAlive = ({ state, threads }: Pick<ProcessEntry, 'state' | 'threads'>): boolean => state !== 'Z' || threads > 1

/** Whether its files in /proc may be read at once: the maps of a process that hangs in the kernel (state `D`) could hold us up as well. */
export const mayRead = ({ state }: Pick<ProcessEntry, 'state'>): boolean => state !== 'D'

/** Everything below `root`, nearest first; without `except` and what is below those. */
export const descendantsOf = (
  table: readonly ProcessEntry[],
  root: number,
  except: ReadonlySet<number> = new Set(),
): readonly ProcessEntry[] => {
  const children = Map.groupBy(table, (entry) => entry.parent)
  const found: ProcessEntry[] = []
  let level = [root]
  while (level.length > 0) {
    const next = level.flatMap((pid) => children.get(pid) ?? []).filter((entry) => !except.has(entry.pid))
    found.push(...next)
    level = next.map((entry) => entry.pid)
  }
  return found
}
