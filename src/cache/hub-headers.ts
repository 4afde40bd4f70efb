/** The heads of a model's safetensors files on a hub, by ranged requests: kilobytes, before any weight. */

import { describeError } from '../std/failure.ts'
import { headerBytesOf, prefixBytes, type StoredTensor, tensorsOfHeader, together } from '../std/safetensors.ts'
import { fetchOnce } from './http.ts'
import { inParallel } from './in-parallel.ts'
import { insist } from './insist.ts'
import { readFile } from './read-file.ts'
import type { Transfer } from './retry.ts'
import { type HeaderLimits, type Headers, longestOf, shardsAmong, shardsOfIndex } from './shards.ts'
import { sourceOf } from './source.ts'
import type { Hub, Listing, RepoFile } from './types.ts'

/** Asked of a shard at first: the whole header of nearly every one. */
const firstBytes = 128 * 1024

/** Shards asked at once. */
const atOnce = 8

type Ask = { readonly hub: Hub; readonly listing: Listing; readonly signal: AbortSignal | undefined; readonly transfer: Transfer }

/** Bytes of a file from `start` up to, not including, `end`; a server that sends all of it is left when these are there. */
const readRange = async ({ hub, listing, signal, transfer }: Ask, file: RepoFile, start: number, end: number): Promise<Buffer> => {
  const { repo, commit } = listing
  const patience = insist(transfer, signal)
  const source = await sourceOf(hub)
  for (;;) {
    try {
      const address = await source.address(listing, file)
      const get = { asked: { hub, repo, revision: commit, path: file.path }, signal, transfer }
      const headers = { ...address.headers, range: `bytes=${start}-${end - 1}` }
      const { status, chunks } = await fetchOnce({ ...get, url: address.url, headers })
      return await take(chunks, status === 206 ? 0 : start, end - start)
    } catch (error) {
      await patience.failed(error)
    }
  }
}

const take = async (chunks: AsyncIterable<Buffer>, skip: number, bytes: number): Promise<Buffer> => {
  const parts: Buffer[] = []
  let length = 0
  for await (const chunk of chunks) {
    parts.push(chunk)
    length += chunk.length
    if (length >= skip + bytes) break
  }
  return Buffer.concat(parts).subarray(skip, skip + bytes)
}

const headerOf = async (ask: Ask, file: RepoFile, most: number): Promise<readonly StoredTensor[] | undefined> => {
  const first = await readRange(ask, file, 0, Math.min(firstBytes, file.bytes))
  const bytes = headerBytesOf(first)
  if (bytes === undefined) throw new Error(`'${file.path}' does not begin as a safetensors file does`)
  if (bytes > most) return undefined
  const end = prefixBytes + bytes
  const rest = end > first.length ? await readRange(ask, file, first.length, end) : Buffer.alloc(0)
  const tensors = tensorsOfHeader(Buffer.concat([first, rest]).toString('utf8', prefixBytes, end))
  if (tensors === undefined) throw new Error(`the header of '${file.path}' is cut short, or is none`)
  return tensors
}

/** Asks for the heads of a listing's shards. Throws an AbortError and nothing else: a plan can go without them. */
export const headersOnHub = async (ask: Ask, limits: HeaderLimits): Promise<Headers<StoredTensor>> => {
  const { hub, listing, signal, transfer } = ask
  try {
    const { shards: all, index } = shardsAmong(listing.files.map(({ path }) => path))
    const shards = index === undefined ? all : shardsOfIndex(all, (await readFile(hub, listing, index, signal, transfer)).toString())
    if (shards.length === 0 || shards.length > limits.shards) return {}
    const found: StoredTensor[] = []
    let tooLong = false
    const files = listing.files.filter(({ path }) => shards.includes(path))
    await inParallel(files, atOnce, signal, async (file, stop) => {
      const tensors = tooLong ? undefined : await headerOf({ ...ask, signal: stop }, file, longestOf(limits, shards.length))
      if (tensors === undefined) tooLong = true
      else found.push(...tensors)
    })
    return tooLong ? {} : { tensors: together(found) }
  } catch (error) {
    if (signal?.aborted) throw error
    return { unread: `the headers of the weights of ${listing.repo} cannot be read: ${describeError(error)}` }
  }
}
