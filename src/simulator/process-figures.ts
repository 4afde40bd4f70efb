import { readdirSync, readFileSync } from 'node:fs'

/** Metric names to what is measured of this process; what the machine does not tell (no /proc) is left out. Edge: reads itself. */
export const readProcessFigures = (): Readonly<Record<string, number>> => {
  const { user, system } = process.cpuUsage()
  return {
    process_resident_memory_bytes: process.memoryUsage.rss(),
    process_start_time_seconds: (performance.timeOrigin ?? 0) / 1000,
    process_cpu_seconds_total: (user + system) / 1e6,
    ...fromProc(),
  }
}

const fromProc = (): Readonly<Record<string, number>> => {
  try {
    const pages = Number(readFileSync('/proc/self/statm', 'utf8').split(' ')[0])
    // statm counts pages; 4 KiB on every machine that AMD's images run on.
    return { process_virtual_memory_bytes: pages * 4096, process_open_fds: readdirSync('/proc/self/fd').length }
  } catch {
    return {}
  }
}
