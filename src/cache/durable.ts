import { randomBytes } from 'node:crypto'
import { chmod, type FileHandle, mkdir, open, readdir, rename, rm, stat } from 'node:fs/promises'
import { basename, dirname } from 'node:path'
import { errorCode } from './connection-errors.ts'

/** A name for what one pull writes before it is published, so that no two writers ever share a file. */
export const newToken = (): string => randomBytes(8).toString('hex')

/** Where a writer keeps what it has not published: beside its final name, so that the rename never leaves the directory. */
export const partPath = (target: string, token: string): string => `${target}.${token}.aim-part`

/** Whether a path leads, through links too, to a regular file of this size. */
export const hasSize = async (path: string, bytes: number): Promise<boolean> => {
  const stats = await stat(path).catch(() => undefined)
  return stats?.isFile() === true && stats.size === bytes
}

/**
 * Lets the group write a new entry where the directory says so by its setgid bit, as Kubernetes marks a volume of an fsGroup: other users
 * of that group have to go on where this one stops. A umask that hides the entry from the group is respected.
 */
export const shareWithGroup = async (path: string): Promise<void> => {
  const [directory, entry] = await Promise.all([stat(dirname(path)), stat(path)])
  if ((directory.mode & 0o2020) === 0o2020 && (entry.mode & 0o060) === 0o040) await chmod(path, entry.mode | 0o020).catch(() => {})
}

const makeOne = async (path: string): Promise<void> => {
  try {
    await mkdir(path)
    await shareWithGroup(path)
  } catch (error) {
    if (!(await stat(path).catch(() => undefined))?.isDirectory()) throw error
  }
}

/**
 * Makes a directory and those above it. Node's own recursive mkdir says ENOENT where the volume is read-only, which sends people looking
 * for the wrong thing.
 */
export const makeDirectory = async (path: string): Promise<void> => {
  try {
    await makeOne(path)
  } catch (error) {
    if (errorCode(error) !== 'ENOENT' || dirname(path) === path) throw error
    await makeDirectory(dirname(path))
    // Once, since a file system such as /proc says ENOENT though all above is there.
    await makeOne(path)
  }
}

/** Makes the names in a directory survive a power cut, where the file system can. */
export const syncDirectory = async (path: string): Promise<void> => {
  const handle = await open(path, 'r')
  try {
    await handle.sync()
  } catch (error) {
    // Some network file systems have no fsync for directories; they order names on the server.
    if (!['EINVAL', 'ENOTSUP', 'ENOSYS'].includes(errorCode(error) ?? '')) throw error
  } finally {
    await handle.close()
  }
}

/** Gives a finished, synced file its final name. A rename whose reply was lost on NFS fails though it was done, so the result decides. */
export const publish = async (part: string, target: string, bytes: number): Promise<void> => {
  await rename(part, target).catch(async (error: unknown) => {
    if (!(await hasSize(target, bytes))) throw error
  })
  await syncDirectory(dirname(target))
}

/** Creates a file of our own; 0644 less the umask, because other containers read the cache as other users. */
export const openNew = async (path: string): Promise<FileHandle> => {
  const handle = await open(path, 'wx+', 0o644)
  try {
    await shareWithGroup(path)
  } catch (error) {
    // Who sweeps up after the dead may have taken it for one of theirs: who goes on with it finds out.
    if (errorCode(error) !== 'ENOENT') {
      await handle.close()
      throw error
    }
  }
  return handle
}

/**
 * Creates a file and hands it to `fill`; synced, so that it survives a power cut, unless told otherwise. Closed in any case; an error of
 * closing is one too, since network file systems report lost writes there. What a failure leaves is the caller's, who knows whose name it is.
 */
export const createFile = async (path: string, fill: (handle: FileHandle) => Promise<void>, sync = true): Promise<void> => {
  const handle = await openNew(path)
  try {
    await fill(handle)
    if (sync) await handle.sync()
    await handle.close()
  } catch (error) {
    await handle.close().catch(() => {})
    throw error
  }
}

/**
 * Whether another has published a file that this machine cannot see yet: clients of network file systems remember for up to a minute that a
 * name was absent. The directory's own list is fresh, also with NFS once we have changed the directory, as its reply then tells.
 */
export const isHidden = async (path: string): Promise<boolean> => {
  const probe = partPath(path, newToken())
  await createFile(probe, async () => {}, false).finally(() => discard(probe))
  const listed = (await readdir(dirname(path), { withFileTypes: true })).some((entry) => entry.name === basename(path) && entry.isFile())
  return (
    listed &&
    (await stat(path).then(
      () => false,
      (error: unknown) => errorCode(error) === 'ENOENT',
    ))
  )
}

/** Removes a part, if it is still there. Never throws: what went wrong before is what has to be told. */
export const discard = (part: string): Promise<void> => rm(part, { force: true }).catch(() => {})

const writeOnce = async (target: string, text: string, token: string): Promise<void> => {
  const part = partPath(target, token)
  await makeDirectory(dirname(target))
  try {
    await createFile(part, (handle) => handle.writeFile(text))
    await publish(part, target, Buffer.byteLength(text))
  } finally {
    await discard(part)
  }
}

/**
 * Writes a small file so that readers see the old text or the new, never part of it. Once more where the draft vanished: who sweeps up after
 * the dead cannot tell it from one of theirs.
 */
export const writeDurably = (target: string, text: string, token: string): Promise<void> =>
  writeOnce(target, text, token).catch((error: unknown) => {
    if (errorCode(error) !== 'ENOENT') throw error
    return writeOnce(target, text, token)
  })
