import type { PullProgress, RepoFile } from './types.ts'

/** Bytes of all the files. */
export const totalBytes = (files: readonly RepoFile[]): number => files.reduce((bytes, file) => bytes + file.bytes, 0)

/** Counts a pull: what was there before it began counts as done. Each call tells the listener where it stands. */
export const track = (listener: ((progress: PullProgress) => void) | undefined, all: readonly RepoFile[], missing: readonly RepoFile[]) => {
  const total = { files: all.length, bytes: totalBytes(all) }
  const done = { filesDone: all.length - missing.length, bytesDone: total.bytes - totalBytes(missing) }
  const report = (file?: RepoFile): void => listener?.({ ...total, ...done, ...(file && { file: file.path }) })
  return {
    bytes: (file: RepoFile, bytes: number): void => {
      done.bytesDone += bytes
      report(file)
    },
    file: (file: RepoFile): void => {
      done.filesDone++
      report(file)
    },
    report,
  }
}
