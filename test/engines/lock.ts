import { AsyncLocalStorage } from 'node:async_hooks'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdir, open } from 'node:fs/promises'
import { dirname } from 'node:path'

/** The descriptor of the lock the running work holds: `run` hands it to children, so that orphans of a killed process still hold it. */
export const heldLock = new AsyncLocalStorage<number>()

// flock locks the open file, which the child shares with this process and leaves locked; the kernel frees it when the last sharer is gone.
const lock = async (file: string, fd: number) => {
  const [code] = await once(spawn('flock', ['3'], { stdio: ['ignore', 'ignore', 'inherit', fd] }), 'exit')
  if (code !== 0) throw new Error(`cannot lock ${file}: flock ended with ${code}`)
}

/** Runs `work` while no other process that asks for the same lock file does, so that test files running in parallel share one install. */
export const withLock = async <T>(file: string, work: () => Promise<T>): Promise<T> => {
  await mkdir(dirname(file), { recursive: true })
  await using handle = await open(file, 'a')
  await lock(file, handle.fd)
  return await heldLock.run(handle.fd, work)
}
