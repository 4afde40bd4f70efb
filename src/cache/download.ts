import { exitCodes } from '../std/exit-codes.ts'
import { Failure } from '../std/failure.ts'
import { fetchOnce, type Get, type Received } from './http.ts'
import { Interruption, insist } from './insist.ts'
import { positionOf } from './range.ts'
import { standardTransfer, type Transfer } from './retry.ts'
import { sourceOf } from './source.ts'
import type { Address, Hub, Listing, RepoFile } from './types.ts'

// Where the next answer should end: the file's end for a small file, which is asked for whole, else that of the range.
const endOf = (file: RepoFile, offset: number, { wholeBelowBytes, rangeBytes }: Transfer): number =>
  file.bytes < wholeBelowBytes ? file.bytes : Math.min(file.bytes, offset + rangeBytes)

async function* rest(received: Received, offset: number, bytes: number): AsyncGenerator<Buffer, void, undefined> {
  const start = positionOf(received) ?? 0
  let position = start
  for await (const chunk of received.chunks) {
    if (start > offset) return
    const piece = chunk.subarray(Math.max(0, offset - position), bytes - position)
    position += chunk.length
    if (piece.length > 0) yield piece
    // Not at the last byte: an answer read to its end leaves the connection for the next file.
    if (position > bytes) return
  }
}

/** The interruption for an answer that ends too soon. */
export const stuck = (file: RepoFile, offset: number, repo: string): Interruption => {
  const message = `cannot fetch '${file.path}' of '${repo}': the answer ends at byte ${offset} of ${file.bytes}`
  return new Interruption({ failure: new Failure(message, { exitCode: exitCodes.temporary, fix: 'try again' }), transient: true })
}

async function* tryOnce(get: Omit<Get, 'url'>, address: Address, file: RepoFile, offset: number): AsyncGenerator<Buffer, void, undefined> {
  const end = endOf(file, offset, get.transfer)
  const range = file.bytes < get.transfer.wholeBelowBytes ? {} : { range: `bytes=${offset}-${end - 1}` }
  const received = await fetchOnce({ ...get, url: address.url, headers: { ...address.headers, ...range } })
  let position = offset
  for await (const piece of rest(received, offset, file.bytes)) {
    position += piece.length
    yield piece
  }
  if (position < end) throw stuck(file, position, get.asked.repo)
}

/**
 * The bytes of one file, in order, `file.bytes` of them, not verified. Goes on where a connection broke, with a new signed address each
 * time, as long as bytes come. Throws a Failure, or an AbortError.
 */
export async function* download(
  hub: Hub,
  listing: Listing,
  file: RepoFile,
  signal?: AbortSignal,
  transfer: Transfer = standardTransfer,
): AsyncGenerator<Buffer, void, undefined> {
  const { repo, commit } = listing
  const get = { asked: { hub, repo, revision: commit, path: file.path }, signal, transfer }
  const source = await sourceOf(hub)
  const patience = insist(transfer, signal)
  let offset = 0
  while (offset < file.bytes) {
    const before = offset
    try {
      for await (const chunk of tryOnce(get, await source.address(listing, file), file, offset)) {
        offset += chunk.length
        yield chunk
      }
    } catch (error) {
      if (offset - before >= transfer.progressBytes) patience.progress()
      await patience.failed(error)
    }
  }
}

/**
 * The failure for bytes whose checksum is not the listing's. 75: they are hashed as they come off the network, so the disk is not to
 * blame; what stands between us and the Hub is, and the next try may get others.
 */
export const wrongBytes = (file: RepoFile, repo: string): Failure =>
  new Failure(`cannot use '${file.path}' of '${repo}': the bytes that came are not those with ${file.algorithm} ${file.sum ?? file.etag}`, {
    exitCode: exitCodes.temporary,
    fix: `try again; if it stays, ${file.algorithm === 'md5' ? 'upload the object anew: its entity tag is not the checksum of its bytes' : 'a proxy or mirror (HTTPS_PROXY, HF_ENDPOINT) alters or mixes up files'}`,
  })
