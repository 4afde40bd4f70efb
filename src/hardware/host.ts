/** CPU and memory as this container may use them. */
import { readCgroup } from './cgroup.ts'
import { defined } from './defined.ts'
import type { FileSystem } from './file-system.ts'
import type { Host } from './inventory.ts'
import { readInteger } from './properties.ts'

/** The host, and sentences on what could not be read. */
export type HostRead = { readonly host: Host; readonly oddities: readonly string[] }

/**
 * Reads what we may use. The affinity already holds the cpuset, but not the quota; the cgroup's limit counts only below the
 * machine's memory. CPUs that cannot be counted are 1 and memory that cannot be read 0, each with an oddity.
 */
export const readHost = (fs: FileSystem): HostRead => {
  const memory = parseMemory(fs)
  const affinity = parseAffinity(fs)
  const { limits, oddities } = readCgroup(fs)
  const { cpuQuota, memoryLimitBytes, memoryLeftBytes } = limits
  const limited = memoryLimitBytes !== undefined && (memory.total === undefined || memoryLimitBytes < memory.total)
  const space = fs.space('/dev/shm')
  const host = defined<Host>({
    cpus: Math.max(1, Math.min(affinity ?? 1, cpuQuota === undefined ? Number.POSITIVE_INFINITY : Math.ceil(cpuQuota))),
    cpuQuota,
    memoryBytes: memory.total ?? 0,
    memoryLimitBytes: limited ? memoryLimitBytes : undefined,
    memoryAvailableBytes: least(memory.available, limited ? memoryLeftBytes : undefined),
    shmBytes: space.ok ? space.value.totalBytes : undefined,
    numaBalancing: parseBalancing(fs),
    hugePagesBytes: memory.hugePages,
  })
  return { host, oddities: [...missing(affinity, memory.total), ...oddities] }
}

/** How many CPUs a list such as `0-3,8` names; undefined when it is none. */
export const countCpus = (list: string): number | undefined => {
  let count = 0
  for (const range of list.trim().split(',')) {
    const [, first, last = first] = /^(\d{1,6})(?:-(\d{1,6}))?$/.exec(range.trim()) ?? []
    if (first === undefined || Number(last) < Number(first)) return undefined
    count += Number(last) - Number(first) + 1
  }
  return count
}

const parseAffinity = (fs: FileSystem): number | undefined => {
  const status = fs.readText('/proc/self/status')
  const list = status.ok ? /^Cpus_allowed_list:\s*(.+)$/m.exec(status.value)?.[1] : undefined
  return list === undefined ? undefined : countCpus(list)
}

type Memory = Readonly<Record<'total' | 'available' | 'hugePages', number | undefined>>

const parseMemory = (fs: FileSystem): Memory => {
  const meminfo = fs.readText('/proc/meminfo')
  const text = meminfo.ok ? meminfo.value : ''
  const pages = /^HugePages_Total:\s*(\d{1,15})$/m.exec(text)?.[1]
  const size = kibibytes(text, 'Hugepagesize')
  return {
    total: kibibytes(text, 'MemTotal'),
    available: kibibytes(text, 'MemAvailable'),
    hugePages: pages === undefined || size === undefined ? undefined : Number(pages) * size,
  }
}

// 0 is off; 1 is between nodes, 2 between tiers of memory (Documentation/admin-guide/sysctl/kernel.rst).
const parseBalancing = (fs: FileSystem): boolean | undefined => {
  const mode = readInteger(fs, '/proc/sys/kernel/numa_balancing')
  return mode === undefined ? undefined : (mode & 1) === 1
}

const kibibytes = (text: string, key: string): number | undefined => {
  const amount = new RegExp(`^${key}:\\s*(\\d{1,15}) kB`, 'm').exec(text)?.[1]
  return amount === undefined ? undefined : Number(amount) * 1024
}

const least = (...values: readonly (number | undefined)[]): number | undefined => {
  const known = values.filter((value) => value !== undefined)
  return known.length === 0 ? undefined : Math.min(...known)
}

const missing = (affinity: number | undefined, total: number | undefined): string[] => [
  ...(affinity === undefined ? ['/proc/self/status names no CPUs that can be counted; 1 is taken'] : []),
  ...(total === undefined ? ['/proc/meminfo names no total; the memory is unknown and shown as 0'] : []),
]
