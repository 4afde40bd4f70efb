import { spawn } from 'node:child_process'
import { openSync } from 'node:fs'
import { mkdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { ensureApt } from './apt.ts'
import { cacheDir, say } from './cache.ts'
import { withLock } from './lock.ts'
import { succeeds } from './run.ts'

const START_MS = 60_000
const isUp = () => succeeds('docker', ['info'])

const startDaemon = async (log: string) => {
  await mkdir(cacheDir(), { recursive: true })
  say(`starting dockerd, its log is ${log}`)
  const out = openSync(log, 'a')
  // Not execa, which gives no way to let go of a child that outlives this process.
  const daemon = spawn('dockerd', { detached: true, stdio: ['ignore', out, out] })
  daemon.on('error', (error) => say(`dockerd: ${error.message}`))
  daemon.unref()
}

const waitUntilUp = async (log: string) => {
  for (const end = Date.now() + START_MS; Date.now() < end; await sleep(300)) if (await isUp()) return
  const tail = (await readFile(log, 'utf8').catch(() => '')).trimEnd().split('\n').slice(-5).join('\n')
  throw new Error(`dockerd did not answer within ${START_MS / 1000} s: does this machine allow containers? The end of ${log}:\n${tail}`)
}

/** Makes `docker` and `debootstrap` usable: installs Debian's packages and starts a daemon that outlives this process, if lacking. */
export const ensureDocker = async () => {
  await withLock(join(cacheDir(), 'docker.lock'), async () => {
    await ensureApt('docker.io', 'debootstrap')
    if (await isUp()) return
    const log = join(cacheDir(), 'dockerd.log')
    await startDaemon(log)
    await waitUntilUp(log)
  })
}
