import { execFileSync } from 'node:child_process'
import { chmodSync, chownSync, mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { mi300x } from '../fixtures/hardware/machines.ts'
import { writeTree } from '../fixtures/hardware/tree.ts'

/** Owner and group of the made-up device nodes, which no image has: their numbers are all that counts. */
export const owner = { uid: 4712, gid: 4711 }

/**
 * The files of a server of two MI300X below `place`: `sys` to lie over /sys, and nodes in `dev`. The nodes are those of FUSE, which opens
 * and does nothing; what their permissions and a device cgroup say is the real kernel's. Needs root.
 */
export const makeMachine = (place: string): void => {
  const { files, links, ...rest } = mi300x(2)
  const inSys = (paths: Readonly<Record<string, string>>) =>
    Object.fromEntries(Object.entries(paths).filter(([path]) => path.startsWith('/sys/')))
  writeTree({ ...rest, files: inSys(files), links: inSys(links) }, place)
  mkdirSync(join(place, 'sys/fs/cgroup'), { recursive: true })
  mkdirSync(join(place, 'dev/dri'), { recursive: true })
  for (const name of ['kfd', 'dri/renderD128', 'dri/renderD136']) {
    const node = join(place, 'dev', name)
    execFileSync('mknod', [node, 'c', '10', '229'])
    chmodSync(node, 0o660)
    chownSync(node, owner.uid, owner.gid)
  }
}
