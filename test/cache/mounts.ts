import { execFileSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import type { TestContext } from 'node:test'
import { ensureApt } from '../engines/apt.ts'

/** Two ways into one directory, each with what it remembers of names and attributes, as two machines have it. */
export type Mounts = { readonly directory: string; readonly mounts: readonly [string, string] }

const run = (file: string, ...words: readonly string[]): string =>
  execFileSync(file, words, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] })

const attempt = (act: () => unknown): boolean => {
  try {
    act()
    return true
  } catch {
    return false
  }
}

/** Whether this kernel can serve NFS and mount it; modules are loaded where there are any. */
const hasNfs = (): boolean => {
  for (const module of ['nfs', 'nfsd']) attempt(() => run('modprobe', module))
  return ['nfs4', 'nfsd'].every((name) => new RegExp(`\\t${name}$`, 'm').test(readFileSync('/proc/filesystems', 'utf8')))
}

/** A loopback export, mounted twice: nosharecache gives each mount its own memory. */
const mountNfs = async (directory: string, mounts: readonly string[], seconds: number): Promise<void> => {
  await ensureApt('nfs-kernel-server', 'nfs-common')
  run('service', 'rpcbind', 'start')
  run('service', 'nfs-kernel-server', 'start')
  run('exportfs', '-i', '-o', 'rw,no_root_squash,no_subtree_check,insecure,fsid=4711', `127.0.0.1:${directory}`)
  for (const mount of mounts) run('mount', '-t', 'nfs', '-o', `vers=4.2,nosharecache,actimeo=${seconds}`, `127.0.0.1:${directory}`, mount)
}

const mountFuse = async (directory: string, mounts: readonly string[], seconds: number): Promise<void> => {
  await ensureApt('bindfs', 'fuse3')
  const memory = `attr_timeout=${seconds},entry_timeout=${seconds},negative_timeout=${seconds}`
  for (const mount of mounts) run('bindfs', '-o', memory, directory, mount)
}

/**
 * Mounts a fresh directory in memory twice, with so many seconds of attribute cache: as one NFS export where the kernel can, else by FUSE,
 * which has no server in between but the same stale names and attributes. Says which.
 */
export const mountTwice = async (t: TestContext, seconds: number): Promise<Mounts> => {
  const place = mkdtempSync('/dev/shm/aim-mounts-')
  const directory = join(place, 'volume')
  const mounts = [join(place, 'one'), join(place, 'two')] as const
  const nfs = hasNfs()
  t.after(() => {
    for (const mount of mounts) attempt(() => run('umount', mount))
    if (nfs) attempt(() => run('exportfs', '-u', `127.0.0.1:${directory}`))
    rmSync(place, { recursive: true, force: true })
  })
  for (const path of [directory, ...mounts]) mkdirSync(path)
  await (nfs ? mountNfs : mountFuse)(directory, mounts, seconds)
  t.diagnostic(nfs ? 'two mounts of a loopback NFS export' : 'this kernel has no NFS: two FUSE mounts of one directory stand in for it')
  return { directory, mounts }
}
