/**
 * Edge: one blob's lease on a shared volume. Advisory: two holders waste bytes and never harm, since each writes to a part of its own.
 *
 *   .aim/claims/<etag>          the claim, a record that its holder overwrites at every beat
 *   .aim/claims/.<etag>.<token> the claimant's own link to the same inode, kept while it holds
 *   .aim/claims/.g.<token>...   a claim that is being taken from its holder
 */
import { type FileHandle, link, open, readFile, rename, rm, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { type ClaimRecord, claimText, parseClaim, recordBytes } from './claim.ts'
import { errorCode } from './connection-errors.ts'
import { createFile, newToken, openNew } from './durable.ts'
import { isLockFree, lockWhileOpen } from './flock.ts'

/** A lease that is held. */
export type Lease = {
  /** Gives a sign of life; false when the lease was taken by another, undefined when a network file system cannot tell now. Never throws. */
  readonly beat: (bytesDone: number) => Promise<boolean | undefined>
  /** Gives it up, if it is still held. */
  readonly release: () => Promise<void>
}

/** Where leases lie and who takes them. */
export type Desk = { readonly directory: string; readonly token: string; readonly owner: string }

const inode = async (path: string): Promise<bigint | undefined> => (await stat(path, { bigint: true }).catch(() => undefined))?.ino

const noLinks = ['EPERM', 'ENOTSUP', 'EOPNOTSUPP', 'ENOSYS', 'EMLINK', 'EXDEV']

/** A claim that was won: its inode, its record, and the open file that keeps it locked where locks mean something. */
type Won = { readonly ours: bigint; readonly record: ClaimRecord; readonly close: () => Promise<void> }

/** Locked before it has a name that others look at, so that they never see a claim of ours without its lock. */
const writeOwn = async (own: string, start: ClaimRecord): Promise<{ readonly handle: FileHandle; readonly record: ClaimRecord }> => {
  const handle = await openNew(own)
  try {
    const record = { ...start, locked: await lockWhileOpen(handle, own) }
    await handle.writeFile(claimText(record))
    return { handle, record }
  } catch (error) {
    await handle.close()
    throw error
  }
}

/** Writes the record under a name of our own, then links it to the claim: whether we won is read from the inodes, since NFS may lose a reply. */
const claim = async (path: string, own: string, start: ClaimRecord): Promise<Won | undefined> => {
  const { handle, record } = await writeOwn(own, start)
  const close = (): Promise<void> => handle.close().catch(() => {})
  const refusal = await link(own, path).then(() => undefined, errorCode)
  const [ours, theirs] = await Promise.all([inode(own), inode(path)])
  if (ours !== undefined && ours === theirs) return { ours, record, close }
  await close()
  await rm(own, { force: true })
  return noLinks.includes(refusal ?? '') ? claimWithoutLinks(path, start) : undefined
}

const claimWithoutLinks = async (path: string, record: ClaimRecord): Promise<Won | undefined> => {
  await createFile(path, (handle) => handle.writeFile(claimText(record)), false).catch((error: unknown) => {
    if (errorCode(error) !== 'EEXIST') throw error
  })
  const ours = (await readFile(path, 'utf8')) === claimText(record) ? await inode(path) : undefined
  return ours === undefined ? undefined : { ours, record, close: async () => {} }
}

/** Overwrites the record in place when the claim is still the inode we made; 'gone' when it is another's or nobody's. */
const overwrite = async (path: string, ours: bigint, record: ClaimRecord): Promise<boolean> => {
  const handle = await open(path, 'r+').catch((error: unknown) => (errorCode(error) === 'ENOENT' ? undefined : Promise.reject(error)))
  if (handle === undefined) return false
  try {
    if ((await handle.stat({ bigint: true })).ino !== ours) return false
    await handle.write(claimText(record), 0)
    await handle.sync()
    return true
  } finally {
    await handle.close()
  }
}

/** Takes the lease on `name`; undefined when somebody else has it. */
export const takeLease = async ({ directory, token, owner }: Desk, name: string): Promise<Lease | undefined> => {
  const path = join(directory, name)
  const own = join(directory, `.${name}.${token}`)
  const won = await claim(path, own, { token, owner, seq: 0, bytesDone: 0, locked: false })
  if (won === undefined) return undefined
  const { ours, record, close } = won
  let seq = 0
  return {
    beat: async (bytesDone) => {
      seq++
      try {
        return await overwrite(path, ours, { ...record, seq, bytesDone })
      } catch {
        return undefined
      }
    },
    release: async () => {
      if ((await inode(path)) === ours) await rm(path, { force: true }).catch(() => {})
      await rm(own, { force: true }).catch(() => {})
      await close()
    },
  }
}

/** What stands in the claim on `name` now; undefined when nobody has it. Read anew, since a stat alone may be an NFS client's memory. */
export const readLease = async ({ directory }: Desk, name: string): Promise<string | undefined> => {
  const handle = await open(join(directory, name), 'r').catch(() => undefined)
  if (handle === undefined) return undefined
  try {
    const { buffer, bytesRead } = await handle.read(Buffer.alloc(recordBytes), 0, recordBytes, 0)
    return buffer.toString('utf8', 0, bytesRead)
  } finally {
    await handle.close()
  }
}

/** Whether the holder of a claim in which `text` stands is known to have ended, since the lock that it kept is gone. */
export const isAbandoned = async ({ directory }: Desk, name: string, text: string): Promise<boolean> => {
  if (parseClaim(text)?.locked !== true) return false
  const path = join(directory, name)
  const handle = await open(path, 'r').catch(() => undefined)
  try {
    return handle !== undefined && (await isLockFree(handle, path))
  } finally {
    await handle?.close()
  }
}

/** Removes a claim in which `text` stood when it was judged stale; one that has changed since was alive and is put back. */
export const breakLease = async (desk: Desk, name: string, text: string): Promise<void> => {
  const path = join(desk.directory, name)
  const grave = join(desk.directory, `.g.${name}.${newToken()}`)
  try {
    await rename(path, grave)
    if ((await readFile(grave, 'utf8')) !== text) await link(grave, path)
  } catch (error) {
    // Gone, or claimed by another in between: then that one has it.
    if (!['ENOENT', 'EEXIST', ...noLinks].includes(errorCode(error) ?? '')) throw error
  } finally {
    await rm(grave, { force: true })
  }
}
