/**
 * Edge: what engines compiled, kept on the shared volume as one archive for each launch and never used where it lies. An archive is made
 * beside its name, named by its own checksum and not changed again, so that any number of containers may read, make and remove them at once.
 */
import { createHash } from 'node:crypto'
import { createReadStream, statSync } from 'node:fs'
import { lstat, mkdir, open, rename, rm, utimes } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { Writable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { runTar } from './archive.ts'
import { isStale, look, standardTimes, type Watch } from './claim.ts'
import { archiveName, type CompiledArchive, type CompiledKey, candidatesFor, expired, parseArchiveName, stemOf } from './compiled-names.ts'
import { discard, makeDirectory, newToken, partPath, shareWithGroup, syncDirectory } from './durable.ts'
import { attempt, entriesOf } from './inventory.ts'
import { breakLease, readLease, takeLease } from './lease.ts'
import { isDead, ownerOfThis } from './owner.ts'
import { freeBytes } from './space.ts'

const filesBelow = (root: string, prefix = ''): readonly string[] =>
  entriesOf(join(root, prefix)).flatMap((entry) => {
    const path = prefix === '' ? entry.name : `${prefix}/${entry.name}`
    if (entry.isDirectory()) return filesBelow(root, path)
    return entry.isFile() ? [path] : []
  })

/** Every archive below the directory of compile caches; none when there is none. Reads no content. */
export const compiledIn = (directory: string): readonly CompiledArchive[] =>
  filesBelow(directory).flatMap((name) => {
    const parts = parseArchiveName(name.slice(name.lastIndexOf('/') + 1))
    const path = join(directory, name)
    const stats = attempt(() => statSync(path), undefined)
    return parts === undefined || stats === undefined
      ? []
      : [{ ...parts, place: dirname(name), path, bytes: stats.size, usedMs: stats.mtimeMs }]
  })

const digestOf = async (path: string): Promise<string> => {
  const hash = createHash('sha256')
  await pipeline(createReadStream(path, { highWaterMark: 1024 ** 2 }), hash)
  return hash.digest('hex')
}

/**
 * Whether the engine may run what is in an archive: it is code. Trusted are our own, root's and those of our group, unless anybody may write
 * to them; a link is none of ours.
 */
const isTrusted = async (path: string): Promise<boolean> => {
  const stats = await lstat(path)
  const { uid, gid, mode } = stats
  const known = [0, process.geteuid?.()].includes(uid) || [process.getegid?.(), ...(process.getgroups?.() ?? [])].includes(gid)
  return stats.isFile() && known && (mode & 0o002) === 0
}

const unpack = async (archive: CompiledArchive, root: string): Promise<void> => {
  const stage = `${root}.${newToken()}`
  await mkdir(stage, { mode: 0o700 })
  try {
    await runTar(
      ['-C', stage, '--no-same-owner', '--no-same-permissions', '-xf', archive.path],
      'unpack a compile cache',
      undefined,
      undefined,
    )
    await rename(stage, root)
  } finally {
    await rm(stage, { recursive: true, force: true })
  }
}

/**
 * Fills `root`, a directory of this container that is not there yet, from the best archive for a launch; gives that, or undefined when there
 * is none that can be read, is trusted and undamaged. Never throws: without it the engine compiles.
 */
export const seedCompiled = async (directory: string, key: CompiledKey, root: string): Promise<CompiledArchive | undefined> => {
  for (const archive of candidatesFor(key, compiledIn(directory))) {
    try {
      if (!(await isTrusted(archive.path)) || (await digestOf(archive.path)) !== archive.digest) continue
      await unpack(archive, root)
      const now = new Date()
      await utimes(archive.path, now, now).catch(() => {})
      return archive
    } catch {
      // Gone meanwhile, not ours to read, or no room: the next one, or none.
    }
  }
  return undefined
}

/** What became of a wish to keep what was compiled, in words for the log. */
export type Kept = { readonly archive: string; readonly bytes: number } | { readonly because: string }

/** What is being built or locked at this moment. */
const passing = ['*.lock', '*.tmp', '*.tmp.*', 'tmp.*']

/** Whether an archive holds every one of these files already. */
const holds = async (archive: CompiledArchive | undefined, files: readonly string[]): Promise<boolean> => {
  if (archive === undefined) return false
  let text = ''
  const list = new Writable({
    write: (chunk: Buffer, _encoding, done) => {
      text += chunk.toString()
      done()
    },
  })
  await runTar(['--quoting-style=literal', '-tf', archive.path], 'read a compile cache', undefined, list)
  const names = new Set(text.split('\n'))
  return files.every((name) => names.has(name))
}

const isPassing = (name: string): boolean => /\.(?:lock|tmp)$|\.tmp\.|(?:^|\/)tmp\./.test(name)

const archiveUp = async (directory: string, key: CompiledKey, root: string, members: readonly string[], token: string): Promise<Kept> => {
  const place = join(directory, key.place)
  const part = partPath(join(place, stemOf(key)), token)
  try {
    const words = ['-C', root, ...passing.map((pattern) => `--exclude=${pattern}`), '-cf', part, '--', ...members]
    await runTar(words, 'keep a compile cache', undefined, undefined)
    const handle = await open(part, 'r+')
    const { size, mode } = await handle.stat()
    // Whatever the umask: what anybody may write to nobody would trust.
    await handle.chmod(mode & 0o775)
    await handle.sync().finally(() => handle.close())
    await shareWithGroup(part)
    const target = join(place, archiveName(key, await digestOf(part)))
    await rename(part, target)
    await syncDirectory(place)
    return { archive: target, bytes: size }
  } finally {
    await discard(part)
  }
}

/** Under the lease nobody else makes this archive: older ones of the launch, and parts that a dead maker left, go. */
const tidy = async (directory: string, key: CompiledKey, kept: Kept, maxBytes: number): Promise<void> => {
  const place = join(directory, key.place)
  const stem = stemOf(key)
  for (const { name } of entriesOf(place)) if (name.startsWith(`${stem}.`) && name.endsWith('.aim-part')) await discard(join(place, name))
  if (!('archive' in kept)) return
  const all = compiledIn(directory)
  const older = all.filter((one) => one.place === key.place && stemOf(one) === stem && one.path !== kept.archive)
  const others = all.filter((one) => !older.includes(one) && one.path !== kept.archive)
  for (const { path } of [...older, ...expired(others, { maxBytes: maxBytes - kept.bytes }, Date.now())]) await discard(path)
}

const filesOf = (root: string, kept: readonly string[]): readonly string[] =>
  kept.flatMap((member) => filesBelow(root, member)).filter((name) => !isPassing(name))

/** Keeps what a launch has compiled: `kept` below `root`. To be called now and then; it does nothing unless there is something new. */
export type Keeper = () => Promise<Kept | undefined>

/** Makes one for a launch. At most `maxBytes` lie in the whole directory afterwards; the models on the volume come first. */
export const createKeeper = (directory: string, key: CompiledKey, root: string, kept: readonly string[], maxBytes: number): Keeper => {
  const token = newToken()
  const desk = { directory: join(directory, '.claims'), token, owner: ownerOfThis() }
  let watch: Watch | undefined
  let before = ''
  const observe = async (name: string): Promise<void> => {
    const text = await readLease(desk, name)
    const now = performance.now()
    watch = text === undefined ? undefined : look(watch, text, now)
    if (watch !== undefined && isStale(watch, now, standardTimes, isDead)) await breakLease(desk, name, watch.text)
  }
  return async () => {
    const files = filesOf(root, kept)
    const bytes = files.reduce((sum, name) => sum + attempt(() => statSync(join(root, name)).size, 0), 0)
    const now = `${files.length} ${bytes}`
    if (files.length === 0 || now === before) return undefined
    if (bytes > maxBytes) return { because: 'it is larger than all compile caches may be' }
    await makeDirectory(desk.directory)
    await makeDirectory(join(directory, key.place))
    const free = await freeBytes(directory)
    if (free !== undefined && free < 2 * bytes) return { because: 'the volume has no room to spare' }
    const name = key.place.replaceAll('/', '.').concat('.', stemOf(key))
    const lease = await takeLease(desk, name)
    if (lease === undefined) return observe(name).then(() => undefined)
    try {
      const own = candidatesFor(key, compiledIn(directory)).find(({ launch }) => launch === key.launch)
      const done = (await holds(own, files))
        ? undefined
        : await archiveUp(
            directory,
            key,
            root,
            kept.filter((member) => entriesOf(join(root, member)).length > 0),
            token,
          )
      if (done !== undefined) await tidy(directory, key, done, maxBytes)
      before = now
      return done
    } finally {
      await lease.release()
    }
  }
}
