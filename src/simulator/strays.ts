import { spawn } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { writeFileSync } from 'node:fs'
import { createPace } from './pace.ts'
import { spawnRole } from './roles.ts'

/** Seconds that a stray stays at most. */
const strayLife = 600

/** Starts a process that starts another in a session of its own and ends: what is left has no parent of ours. Edge: spawns. */
export const startStray = (): void => {
  spawnRole('stray-parent').unref()
}

/** The process between: gives the exit code when the stray has been started. */
export const runStrayParent = async (): Promise<number> => {
  const child = spawnRole('stray', true)
  await new Promise((resolve) => child.once('message', resolve))
  return 0
}

/** The stray itself. */
export const runStray = async (): Promise<number> => {
  process.title = 'VLLM::Stray'
  process.send?.('here')
  await createPace({ speed: 1, faults: {} }).real(strayLife)
  return 0
}

/** Makes `count` grandchildren whose parent ends at once and that end themselves a moment later: whoever inherits them has to reap them. */
export const makeOrphans = (count: number): void => {
  const script = `i=0; while [ $i -lt ${count} ]; do (sleep 0.2 &); i=$((i+1)); done`
  spawn('sh', ['-c', script], { stdio: 'ignore' }).unref()
}

/** Leaves one file in shared memory under such a name as Python gives its blocks; gives its path. */
export const leakSharedMemory = (): string => {
  const path = `/dev/shm/psm_${randomBytes(4).toString('hex')}`
  writeFileSync(path, Buffer.alloc(4096))
  return path
}
