/** What the control groups grant: CPU time and memory, version 1 and 2. */
import { defined } from './defined.ts'
import type { FileSystem } from './file-system.ts'

/** Limits of our control group and of those around it; absent means not limited. */
export type CgroupLimits = {
  /** CPU time per wall time: 2.5 means two and a half CPUs. */
  readonly cpuQuota?: number
  readonly memoryLimitBytes?: number
  /** Bytes left below that limit, reclaimable page cache counted as free; only read when there is a limit. */
  readonly memoryLeftBytes?: number
}

/** The limits, and sentences on files that say neither a limit nor that there is none. */
export type CgroupRead = { readonly limits: CgroupLimits; readonly oddities: readonly string[] }

/** Where to look for one resource: directories from our own group up to the root of the mount, and how to read one of them. */
type Hierarchy<T> = { readonly directories: readonly string[]; readonly read: (fs: FileSystem, directory: string) => T | undefined }

const mount = '/sys/fs/cgroup'

/** Version 1 writes the largest page-aligned 63-bit number for no limit; nothing near it is one. */
const unlimited = 2 ** 62

/**
 * Reads the limits. A group is bound by every group around it, so the smallest along the path counts. Groups that the mount does
 * not show (it starts at our own in most containers) are passed over.
 */
export const readCgroup = (files: FileSystem): CgroupRead => {
  const odd = new Set<string>()
  const fs = watched(files, odd)
  const own = fs.readText('/proc/self/cgroup')
  const paths = parseCgroupPaths(own.ok ? own.value : '')
  const memory = smallest(fs, memoryHierarchy(paths), ({ limit }) => limit)
  const limits = defined<CgroupLimits>({
    cpuQuota: smallest(fs, cpuHierarchy(paths), (quota) => quota),
    memoryLimitBytes: memory?.limit,
    memoryLeftBytes: memory === undefined ? undefined : leftOf(fs, memory),
  })
  return { limits, oddities: [...odd] }
}

/** What each file looks like (cgroup-v2.rst, cgroup-v1/memory.rst, sched-bwc.rst). */
const shapes: Readonly<Record<string, RegExp>> = {
  cgroup: /^\d+:[^:]*:\//m,
  'cpu.max': /^\s*(?:\d{1,20}|max)(?:\s+\d{1,20})?\s*$/,
  'cpu.cfs_quota_us': /^\s*-?\d+\s*$/,
  'cpu.cfs_period_us': /^\s*\d+\s*$/,
  'memory.max': /^\s*(?:\d{1,20}|max)\s*$/,
  'memory.current': /^\s*\d{1,20}\s*$/,
  'memory.limit_in_bytes': /^\s*-?\d{1,20}\s*$/,
  'memory.usage_in_bytes': /^\s*\d{1,20}\s*$/,
}

// What does not look so counts as no limit, and must be said: it may have been one.
const watched = (fs: FileSystem, odd: Set<string>): FileSystem => ({
  ...fs,
  readText: (path) => {
    const read = fs.readText(path)
    const shape = shapes[path.slice(path.lastIndexOf('/') + 1)]
    if (read.ok && shape?.test(read.value) === false) odd.add(`${path} holds no limit that can be read`)
    return read
  },
})

/** Our group's path per version-1 controller, and under the empty name that of version 2: lines of `id:controllers:path`. */
export const parseCgroupPaths = (text: string): ReadonlyMap<string, string> =>
  new Map(
    text.split('\n').flatMap((line) => {
      const [, controllers, path] = /^\d+:([^:]*):(\/.*)$/.exec(line.trimEnd()) ?? []
      return controllers === undefined || path === undefined ? [] : controllers.split(',').map((name) => [name, path] as const)
    }),
  )

/** CPUs granted by version 2's `cpu.max` ("quota period" in microseconds, or "max period"); undefined when not limited. */
export const parseCpuMax = (text: string): number | undefined => {
  const [, quota, period = '100000'] = /^\s*(\d+)(?:\s+(\d+))?\s*$/.exec(text) ?? []
  return quota === undefined ? undefined : share(Number(quota), Number(period))
}

const share = (quota: number, period: number): number | undefined => (quota > 0 && period > 0 ? quota / period : undefined)

const cpuHierarchy = (paths: ReadonlyMap<string, string>): Hierarchy<number> => {
  const old = paths.get('cpu')
  if (old === undefined) {
    return { directories: upwards(mount, paths.get('')), read: (fs, directory) => parseCpuMax(text(fs, `${directory}/cpu.max`)) }
  }
  const read = (fs: FileSystem, directory: string): number | undefined => {
    const quota = Number(text(fs, `${directory}/cpu.cfs_quota_us`) || Number.NaN)
    return quota > 0 ? share(quota, Number(text(fs, `${directory}/cpu.cfs_period_us`))) : undefined
  }
  // Not every container has the links that a host has for controllers that share a mount.
  return { directories: ['cpu', 'cpu,cpuacct', 'cpuacct,cpu'].flatMap((name) => upwards(`${mount}/${name}`, old)), read }
}

/** A memory limit and the files beside it that say how much is used. */
type MemoryLimit = { readonly limit: number; readonly usage: string; readonly stat: string }

const memoryHierarchy = (paths: ReadonlyMap<string, string>): Hierarchy<MemoryLimit> => {
  const old = paths.get('memory')
  const [limit, usage] = old === undefined ? ['memory.max', 'memory.current'] : ['memory.limit_in_bytes', 'memory.usage_in_bytes']
  const read = (fs: FileSystem, directory: string): MemoryLimit | undefined => {
    const bytes = bytesIn(text(fs, `${directory}/${limit}`))
    if (bytes === undefined || bytes >= unlimited) return undefined
    return { limit: bytes, usage: `${directory}/${usage}`, stat: `${directory}/memory.stat` }
  }
  return { directories: old === undefined ? upwards(mount, paths.get('')) : upwards(`${mount}/memory`, old), read }
}

// A path that climbs (`/../x`) is outside of what our cgroup namespace shows.
const upwards = (root: string, path = '/'): string[] => {
  const parts = path.split('/').filter(Boolean)
  const visible = parts.includes('..') ? [] : parts
  return [...visible.keys(), visible.length].reverse().map((depth) => [root, ...visible.slice(0, depth)].join('/'))
}

const smallest = <T>(fs: FileSystem, { directories, read }: Hierarchy<T>, size: (value: T) => number): T | undefined =>
  directories
    .flatMap((directory) => read(fs, directory) ?? [])
    .reduce<T | undefined>((least, value) => (least === undefined || size(value) < size(least) ? value : least), undefined)

// The kubelet's working set: usage less the page cache that nobody used lately (version 1 totals it over the tree below).
const leftOf = (fs: FileSystem, { limit, usage, stat }: MemoryLimit): number | undefined => {
  const used = bytesIn(text(fs, usage))
  const counts = text(fs, stat)
  const cache = bytesIn((/^total_inactive_file (\d+)$/m.exec(counts) ?? /^inactive_file (\d+)$/m.exec(counts))?.[1] ?? '') ?? 0
  return used === undefined ? undefined : Math.max(0, limit - Math.max(0, used - cache))
}

const bytesIn = (digits: string): number | undefined => (/^\s*\d{1,20}\s*$/.test(digits) ? Number(digits) : undefined)

const text = (fs: FileSystem, path: string): string => {
  const read = fs.readText(path)
  return read.ok ? read.value : ''
}
