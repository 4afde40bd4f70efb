/** Which file system a path lies on, by the kernel's own name for it. */
import type { FileSystem } from './file-system.ts'

/** A mount as /proc/self/mountinfo names it: `overlay`, `ext4`, `nfs4`, `fuse.gcsfuse` ... and what is mounted. */
export type Mount = { readonly path: string; readonly type: string; readonly source: string }

/** The mount that a path lies on: the one with the longest path above it, of equal ones the last, which covers the others. */
export const mountOf = (fs: FileSystem, path: string): Mount | undefined => {
  const read = fs.readText('/proc/self/mountinfo')
  const above = parseMounts(read.ok ? read.value : '').filter((mount) => holds(mount.path, path))
  return above.reduce<Mount | undefined>(
    (best, mount) => (best === undefined || mount.path.length >= best.path.length ? mount : best),
    undefined,
  )
}

const holds = (mount: string, path: string): boolean => mount === '/' || path === mount || path.startsWith(`${mount}/`)

/** Lines of `id parent major:minor root path options [fields] - type source options` (proc_pid_mountinfo(5)); others are passed over. */
export const parseMounts = (text: string): readonly Mount[] =>
  text.split('\n').flatMap((line) => {
    const [, path, type, source] = /^\d+ \d+ \d+:\d+ \S+ (\S+) .*? - (\S+) (\S+)/.exec(line) ?? []
    return path === undefined || type === undefined || source === undefined ? [] : [{ path: plain(path), type, source: plain(source) }]
  })

const plain = (text: string): string =>
  text.replaceAll(/\\([0-7]{3})/g, (_, digits: string) => String.fromCharCode(Number.parseInt(digits, 8)))
