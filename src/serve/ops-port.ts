/** Edge: where the port that AIM_OPS_PORT=0 became is kept, for `aim status` and a container's HEALTHCHECK. */
import { lstatSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

const path = (): string => join(tmpdir(), `aim-ops-port-${process.getuid?.() ?? 0}`)

/** Keeps the port; false when nothing can be written there, and then only who read the log knows it. */
export const keepOpsPort = (port: number): boolean => {
  try {
    rmSync(path(), { force: true })
    // Never through a link that another user of a shared /tmp may have laid there.
    writeFileSync(path(), String(port), { flag: 'wx', mode: 0o644 })
    return true
  } catch {
    return false
  }
}

/** The port that is kept; undefined when there is none, or when another user wrote it. */
export const readOpsPort = (): number | undefined => {
  try {
    if (lstatSync(path()).uid !== process.getuid?.()) return undefined
    const port = Number(readFileSync(path(), 'utf8'))
    return Number.isInteger(port) && port > 0 && port < 65536 ? port : undefined
  } catch {
    return undefined
  }
}

/** Takes away what this run kept; what another run has kept since then stays. */
export const dropOpsPort = (port: number): void => {
  if (readOpsPort() === port) rmSync(path(), { force: true })
}
