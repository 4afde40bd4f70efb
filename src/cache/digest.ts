import { createHash, type Hash } from 'node:crypto'
import type { RepoFile } from './types.ts'

/** What a checksum is taken by. */
export type Checked = Pick<RepoFile, 'algorithm' | 'bytes' | 'partBytes'>

/** A running checksum. */
export type Digest = { readonly update: (bytes: Uint8Array) => Digest; readonly digest: (encoding: 'hex') => string }

/** S3's checksum of an object that came in parts: the MD5 of the MD5s of its parts, and how many there were. */
const startParts = (partBytes: number): Digest => {
  const whole = createHash('md5')
  let part: Hash = createHash('md5')
  let left = partBytes
  let parts = 0
  const end = (): void => {
    whole.update(part.digest())
    part = createHash('md5')
    left = partBytes
    parts++
  }
  const digest: Digest = {
    update: (bytes) => {
      for (let at = 0; at < bytes.length; ) {
        const piece = bytes.subarray(at, at + left)
        part.update(piece)
        at += piece.length
        left -= piece.length
        if (left === 0) end()
      }
      return digest
    },
    digest: (encoding) => {
      if (left < partBytes) end()
      return `${whole.digest(encoding)}-${parts}`
    },
  }
  return digest
}

/**
 * A running checksum whose hex digest is the file's etag, or its `sum` where that is something else, when the bytes are right: plain
 * SHA-256, or git's blob id, which is the SHA-1 of `blob`, a space, the length in decimal, a NUL and the bytes, or S3's MD5.
 */
export const startDigest = ({ algorithm, bytes, partBytes }: Checked): Digest => {
  if (algorithm === 'md5') return partBytes === undefined ? createHash('md5') : startParts(partBytes)
  return algorithm === 'git-sha1' ? createHash('sha1').update(`blob ${bytes}\0`) : createHash('sha256')
}

/** Whether a digest is that of the right bytes; any is where the hub said none. */
export const isRight = ({ algorithm, sum, etag }: Pick<RepoFile, 'algorithm' | 'sum' | 'etag'>, digest: string): boolean =>
  algorithm === 'none' || digest === (sum ?? etag)

/** A name of 64 hex digits for something that is told apart by these words. */
export const nameOf = (...words: readonly (string | number)[]): string => createHash('sha256').update(JSON.stringify(words)).digest('hex')

/** What files are as one commit, for hubs that name none: another when any name, size or `version` is. */
export const commitOf = <T extends { readonly path: string; readonly bytes: number }>(
  files: readonly T[],
  version: (file: T) => string,
): string =>
  nameOf(...files.toSorted((a, b) => (a.path < b.path ? -1 : 1)).flatMap((file) => [file.path, file.bytes, version(file)])).slice(0, 40)
