import { createHash, type Hash } from 'node:crypto'
import type { RepoFile } from './types.ts'

/**
 * A running checksum whose hex digest is the file's etag when the bytes are right: plain SHA-256, or git's blob id, which is the
 * SHA-1 of `blob`, a space, the length in decimal, a NUL and the bytes.
 */
export const startDigest = ({ algorithm, bytes }: Pick<RepoFile, 'algorithm' | 'bytes'>): Hash =>
  algorithm === 'sha256' ? createHash('sha256') : createHash('sha1').update(`blob ${bytes}\0`)
