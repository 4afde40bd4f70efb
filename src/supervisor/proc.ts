/** Edge: reads /proc. */
import { readdirSync, readFileSync } from 'node:fs'
import { type ProcessEntry, parseStat } from './process-table.ts'

const read = (path: string): string | undefined => {
  try {
    return readFileSync(path, 'latin1')
  } catch {
    return undefined
  }
}

/** Every process this one can see, at about one moment; those that vanish while it reads are left out. Empty where there is no /proc. */
export const processTable = (): readonly ProcessEntry[] => {
  const entries: ProcessEntry[] = []
  for (const name of listDirectory('/proc')) {
    if (!/^\d+$/.test(name)) continue
    const entry = parseStat(read(`/proc/${name}/stat`) ?? '')
    if (entry) entries.push(entry)
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

/** Where in the kernel a process sleeps, for naming one that SIGKILL does not end; needs root, so it may be undefined. */
export const kernelStack = (pid: number): string | undefined => read(`/proc/${pid}/stack`) ?? read(`/proc/${pid}/wchan`)

const listDirectory = (path: string): readonly string[] => {
  try {
    return readdirSync(path)
  } catch {
    return []
  }
}
