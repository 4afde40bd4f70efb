/** Edge: what the kernel counts in our control group. */
import { readFileSync } from 'node:fs'

/** Where a container sees its own group: version 2, then version 1 (Documentation/admin-guide/cgroup-v2.rst and cgroup-v1/memory.rst). */
const files = ['/sys/fs/cgroup/memory.events', '/sys/fs/cgroup/memory/memory.oom_control']

/** Processes of this container that the kernel has killed for memory so far; undefined where it does not say. */
export const readOomKills = (): number | undefined => {
  for (const file of files) {
    const count = /^oom_kill (\d+)$/m.exec(textOf(file))?.[1]
    if (count !== undefined) return Number(count)
  }
  return undefined
}

const textOf = (file: string): string => {
  try {
    return readFileSync(file, 'utf8')
  } catch {
    return ''
  }
}
