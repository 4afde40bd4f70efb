/** Edge: what a volume can do, asked of the volume. */
import { link, mkdtemp, open, readFile, rename, rm, statfs, symlink, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { formatBytes } from '../std/bytes.ts'
import { exitCodes } from '../std/exit-codes.ts'
import { Failure } from '../std/failure.ts'
import { errorCode } from './connection-errors.ts'

/** Bytes that this user may still write; undefined where the file system does not say (some network and FUSE ones answer 0 of 0). */
export const freeBytes = async (directory: string): Promise<number | undefined> => {
  const { bavail, frsize, blocks } = await statfs(directory)
  return blocks === 0 ? undefined : bavail * frsize
}

/** Throws a Failure (74) when a volume has no room for so many bytes more; `doing` continues "cannot". */
export const checkSpace = async (directory: string, needed: number, doing: string): Promise<void> => {
  const free = await freeBytes(directory)
  if (free === undefined || needed <= free) return
  const message = `cannot ${doing}: ${formatBytes(needed)} are missing and ${directory} has ${formatBytes(free)} free`
  const fix = `free ${formatBytes(needed - free)} there, or mount a larger volume`
  throw new Failure(message, { exitCode: exitCodes.storage, fix })
}

/** What a cache needs of its volume: all but hard links, without which leases are taken another way. The codes say why not. */
export type Abilities = {
  readonly rename: true | string
  readonly symlink: true | string
  readonly hardLink: true | string
  readonly writeInPlace: true | string
}

const attempt = async (act: () => Promise<unknown>): Promise<true | string> => {
  try {
    await act()
    return true
  } catch (error) {
    return errorCode(error) ?? String(error)
  }
}

// Object stores behind FUSE can append and nothing else; a part is written at many places at once.
const writeBackwards = async (path: string): Promise<void> => {
  const handle = await open(path, 'wx+')
  try {
    await handle.truncate(8)
    await handle.write(Buffer.from('5678'), 0, 4, 4)
    await handle.write(Buffer.from('1234'), 0, 4, 0)
    await handle.sync()
  } finally {
    await handle.close()
  }
  if ((await readFile(path, 'utf8')) !== '12345678') throw new Error('other bytes came back')
}

/** Tries in a directory of its own, below one that exists, what a cache does; leaves nothing. Throws when not even that can be made. */
export const probeVolume = async (directory: string): Promise<Abilities> => {
  const place = await mkdtemp(join(directory, '.probe-'))
  const at = (name: string): string => join(place, name)
  try {
    const writeInPlace = await attempt(() => writeBackwards(at('a')))
    await writeFile(at('b'), 'b')
    const renamed = await attempt(async () => {
      await rename(at('b'), at('a'))
      if ((await readFile(at('a'), 'utf8')) !== 'b') throw new Error('the old file is still there')
    })
    return {
      writeInPlace,
      rename: renamed,
      symlink: await attempt(() => symlink('a', at('link'))),
      hardLink: await attempt(() => link(at('a'), at('hard'))),
    }
  } finally {
    await rm(place, { recursive: true, force: true })
  }
}

/** Throws a Failure (74) where a volume cannot hold a shared cache. */
export const checkAbilities = async (directory: string): Promise<void> => {
  const { rename: renames, symlink: links, writeInPlace } = await probeVolume(directory)
  const lacking = Object.entries({
    'rename a file over another': renames,
    'make symbolic links': links,
    'write a file at any place': writeInPlace,
  })
    .filter(([, can]) => can !== true)
    .map(([what, code]) => `${what} (${code})`)
  if (lacking.length === 0) return
  throw new Failure(`cannot use ${directory} as a shared cache: its file system cannot ${lacking.join(' and ')}`, {
    exitCode: exitCodes.storage,
    fix: 'object stores mounted as files (gcsfuse, mountpoint-s3) cannot hold one: name the bucket itself as s3://, or mount a volume or emptyDir',
  })
}
