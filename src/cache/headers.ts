/** Edge: the heads of the safetensors files of a snapshot or a model directory, and the short list of their tensors beside a snapshot. */
import { closeSync, openSync, readFileSync, readSync } from 'node:fs'
import { join } from 'node:path'
import { headerBytesOf, parseTensors, prefixBytes, type StoredTensor, tensorsOfHeader, together } from '../std/safetensors.ts'
import { tensorsPath } from './paths.ts'
import { type HeaderLimits, type Headers, longestOf, shardsAmong, shardsOfIndex } from './shards.ts'

const readAt = (file: number, position: number, bytes: number): Buffer => {
  const buffer = Buffer.allocUnsafe(bytes)
  return buffer.subarray(0, readSync(file, buffer, 0, bytes, position))
}

/** A file's header as text, of at most `most` bytes; undefined where it is longer. Throws where it is none. */
const headerOf = (path: string, most: number): string | undefined => {
  const file = openSync(path, 'r')
  try {
    const bytes = headerBytesOf(readAt(file, 0, prefixBytes))
    if (bytes === undefined) throw new Error('it does not begin as a safetensors file does')
    return bytes > most ? undefined : readAt(file, prefixBytes, bytes).toString()
  } finally {
    closeSync(file)
  }
}

/** Reads the heads of the shards below `root`, whose files are `paths`. Never throws. */
export const headersBelow = (root: string, paths: readonly string[], limits: HeaderLimits): Headers<StoredTensor> => {
  const { shards: all, index } = shardsAmong(paths)
  const tensors: StoredTensor[] = []
  let reading = ''
  try {
    const shards = index === undefined ? all : shardsOfIndex(all, readFileSync(join(root, index), 'utf8'))
    if (shards.length === 0 || shards.length > limits.shards) return {}
    for (const shard of shards) {
      reading = shard
      const text = headerOf(join(root, shard), longestOf(limits, shards.length))
      if (text === undefined) return {}
      const found = tensorsOfHeader(text)
      if (found === undefined) throw new Error('its header is cut short, or is none')
      tensors.push(...found)
    }
    return { tensors: together(tensors) }
  } catch (error) {
    return { unread: `the header of ${join(root, reading)} cannot be read: ${error instanceof Error ? error.message : String(error)}` }
  }
}

/** The list beside a snapshot; undefined where nobody wrote one. */
export const keptHeaders = (cacheDir: string, repo: string, commit: string): readonly StoredTensor[] | undefined => {
  try {
    return parseTensors(readFileSync(tensorsPath(cacheDir, repo, commit), 'utf8'))
  } catch {
    return undefined
  }
}
