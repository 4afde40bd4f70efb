/** Edge: the real machine, or a captured tree, behind the FileSystem that detection reads. */
import {
  accessSync,
  closeSync,
  constants,
  openSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  readSync,
  statfsSync,
  statSync,
} from 'node:fs'
import { availableParallelism, freemem, totalmem } from 'node:os'
import { join } from 'node:path'
import type { Read } from '../std/result.ts'
import { type Answers, answering, answersFile, parseAnswers } from './captured.ts'
import type { FileSystem } from './file-system.ts'

/** No attribute file is larger; what is was not meant for us and is answered with EFBIG. */
const largest = 256 * 1024

/**
 * The file system of detection. With another root than `/` it reads a captured tree: where the tree has no `dev`, all devices
 * count as accessible, and where it has no `proc`, CPU and memory are this machine's, because the engine would run here.
 * Elsewhere than on Linux, where there is no /proc, those two come from Node in /proc's own words.
 */
export const machineFileSystem = (root = '/'): FileSystem => {
  const captured = join(root, '/') !== '/'
  const has = (folder: string): boolean => attempt(() => statSync(join(root, folder))).ok
  const noDevices = captured && !has('dev')
  const hostRoot = captured && !has('proc') ? '/' : root
  const place = (path: string): string => join(isHostPath(path) ? hostRoot : root, path)
  const answers = answersOf(root)
  const fs: FileSystem = {
    readText: (path) => standIn(path) ?? attempt(() => readSmall(place(path))),
    list: (path) => attempt(() => readdirSync(place(path))),
    access: (path) =>
      noDevices && path.startsWith('/dev/') ? { ok: true, value: undefined } : attempt(() => accessReadWrite(place(path))),
    readLink: (path) => attempt(() => readlinkSync(place(path))),
    owner: (path) => attempt(() => ownerOf(place(path))),
    space: (path) => attempt(() => spaceOf(place(path))),
  }
  return answers === undefined ? fs : answering(fs, answers)
}

/** What a captured tree says of its machine besides its files; undefined for this machine and for trees that were made by hand. */
export const answersOf = (root: string): Answers | undefined => {
  if (join(root, '/') === '/') return undefined
  const read = attempt(() => readFileSync(join(root, answersFile), 'utf8'))
  return read.ok ? parseAnswers(read.value) : undefined
}

const accessReadWrite = (path: string): undefined => {
  accessSync(path, constants.R_OK | constants.W_OK)
}

const isHostPath = (path: string): boolean => /^\/(proc|sys\/fs\/cgroup|dev\/shm)(\/|$)/.test(path)

/** Runs a system call; its error code is an answer. */
const attempt = <T>(call: () => T): Read<T> => {
  try {
    return { ok: true, value: call() }
  } catch (error) {
    return { ok: false, code: error instanceof Error && 'code' in error ? String(error.code) : 'EIO' }
  }
}

// Not readFileSync: it would take a whole stray file of any size into memory, and sysfs files lie about theirs.
const readSmall = (path: string): string => {
  const file = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK)
  try {
    let used = 0
    for (let got = -1; got !== 0; used += got) {
      if (used === largest) throw Object.assign(new Error(path), { code: 'EFBIG' })
      got = readSync(file, buffer, used, largest - used, null)
    }
    return buffer.toString('utf8', 0, used)
  } finally {
    closeSync(file)
  }
}

const buffer = Buffer.alloc(largest)

const ownerOf = (path: string): { readonly uid: number; readonly gid: number } => {
  const { uid, gid } = statSync(path)
  return { uid, gid }
}

const spaceOf = (path: string): { readonly totalBytes: number; readonly freeBytes: number } => {
  const { blocks, bavail, bsize } = statfsSync(path)
  return { totalBytes: blocks * bsize, freeBytes: bavail * bsize }
}

const standIn = (path: string): Read<string> | undefined => {
  if (process.platform === 'linux') return undefined
  if (path === '/proc/meminfo') return { ok: true, value: `MemTotal: ${kib(totalmem())} kB\nMemAvailable: ${kib(freemem())} kB\n` }
  if (path === '/proc/self/status') return { ok: true, value: `Cpus_allowed_list:\t0-${availableParallelism() - 1}\n` }
  return undefined
}

const kib = (bytes: number): number => Math.floor(bytes / 1024)
