import { execFileSync } from 'node:child_process'
import { mkdirSync, rmSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { listRepo } from '../../src/cache/hub.ts'
import { locate } from '../../src/cache/locate.ts'
import { pull } from '../../src/cache/pull.ts'
import { startHub } from '../hub/server.ts'
import { median } from './summary.ts'

const files = 200
const looks = 200

/** Rows on a cache that holds all of a model of 200 files, on a read-only mount where we may make one, beside bare stats of the same files. */
export const readyRows = async (cacheDir: string): Promise<readonly (readonly string[])[]> => {
  const content = Object.fromEntries(Array.from({ length: files }, (_, index) => [`part-${index}.safetensors`, `shard ${index}`]))
  const hub = await startHub({ repos: { 'org/m': { files: content } } })
  mkdirSync(cacheDir)
  await pull({ hub: { endpoint: hub.url }, listing: await listRepo({ endpoint: hub.url }, 'org/m', 'main'), patterns: [], cacheDir })
  const asked = hub.requests.length
  const mounted = mountReadOnly(cacheDir)
  try {
    const snapshot = locate(cacheDir, 'org/m', 'main')
    if (snapshot === undefined || snapshot.missing.length > 0) throw new Error('the cache is not whole')
    const time = (look: () => unknown): number => {
      const begin = performance.now()
      look()
      return performance.now() - begin
    }
    const ours = Array.from({ length: looks }, () => time(() => locate(cacheDir, 'org/m', 'main')))
    const bare = Array.from({ length: looks }, () =>
      time(() => Object.keys(content).map((name) => statSync(join(snapshot.path, name)).size)),
    )
    return [
      [`a ready cache of ${files} files${mounted ? ', read-only' : ''}`, ''],
      ['  found whole, ms', median(ours).toFixed(2)],
      ['  bare stats of the same files, ms', `${median(bare).toFixed(2)}, aim ${(median(ours) / median(bare)).toFixed(1)}x`],
      ['  requests to the hub meanwhile', String(hub.requests.length - asked)],
    ]
  } finally {
    if (mounted) execFileSync('umount', [cacheDir])
    rmSync(cacheDir, { recursive: true, force: true })
    await hub.close()
  }
}

const mountReadOnly = (directory: string): boolean => {
  try {
    execFileSync('mount', ['--bind', directory, directory], { stdio: 'ignore' })
    execFileSync('mount', ['-o', 'remount,bind,ro', directory], { stdio: 'ignore' })
    return true
  } catch {
    return false
  }
}
