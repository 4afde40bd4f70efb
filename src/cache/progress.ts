import type { PullProgress, RepoFile } from './types.ts'

/** Bytes of all the files. */
export const totalBytes = (files: readonly RepoFile[]): number => files.reduce((bytes, file) => bytes + file.bytes, 0)

/** How far a pull is, by blob. */
export type Track = {
  /** So many bytes of a file are there, by our hands or another process's. */
  readonly bytes: (file: RepoFile, bytes: number) => void
  /** A file is verified and published. */
  readonly file: (file: RepoFile) => void
  readonly report: (file?: RepoFile) => void
}

/** Counts a pull: what was there before it began counts as done. Each call tells the listener where it stands. */
export const track = (
  listener: ((progress: PullProgress) => void) | undefined,
  all: readonly RepoFile[],
  missing: readonly RepoFile[],
): Track => {
  const total = { files: all.length, bytes: totalBytes(all) }
  const done = { filesDone: all.length - missing.length, bytesDone: total.bytes - totalBytes(missing) }
  const known = new Map<string, number>()
  const report = (file?: RepoFile): void => listener?.({ ...total, ...done, ...(file && { file: file.path }) })
  const set = (file: RepoFile, bytes: number): void => {
    done.bytesDone += bytes - (known.get(file.etag) ?? 0)
    known.set(file.etag, bytes)
  }
  return {
    bytes: (file, bytes) => {
      if (known.get(file.etag) === bytes) return
      set(file, bytes)
      report(file)
    },
    file: (file) => {
      set(file, file.bytes)
      done.filesDone++
      report(file)
    },
    report,
  }
}
