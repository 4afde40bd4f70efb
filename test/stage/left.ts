import { readdirSync, readFileSync } from 'node:fs'
import { processTable } from '../../src/supervisor/proc.ts'

/** Live processes whose environment holds `NAME=value`: whatever a run spawned, wherever it was reparented to. */
export const processesWith = (name: string, value: string): readonly string[] =>
  processTable().flatMap(({ pid, name: comm, state }) => {
    if (state === 'Z' || pid === process.pid) return []
    try {
      return readFileSync(`/proc/${pid}/environ`, 'latin1').split('\0').includes(`${name}=${value}`) ? [`${pid} ${comm}`] : []
    } catch {
      return []
    }
  })

/** Files below a directory that a download has not finished. */
export const partFiles = (directory: string): readonly string[] => {
  try {
    return readdirSync(directory, { recursive: true, encoding: 'utf8' }).filter((path) => /aim-part|incomplete|\.tmp/.test(path))
  } catch {
    return []
  }
}
