import { exitCodes } from '../std/exit-codes.ts'
import { Failure } from '../std/failure.ts'
import { collect } from './ask.ts'
import { isRight, startDigest } from './digest.ts'
import { download, wrongBytes } from './download.ts'
import { standardTransfer, type Transfer } from './retry.ts'
import type { Hub, Listing } from './types.ts'

/** A small file of the listing (config.json), verified, without touching the disk. Throws a Failure: 78 when the listing has no such file, 75 for wrong bytes. */
export const readFile = async (
  hub: Hub,
  listing: Listing,
  path: string,
  signal?: AbortSignal,
  transfer: Transfer = standardTransfer,
): Promise<Buffer> => {
  const file = listing.files.find((candidate) => candidate.path === path)
  if (file === undefined)
    throw new Failure(`cannot ask the hub: '${listing.repo}' at ${listing.commit} holds no '${path}'`, {
      exitCode: exitCodes.config,
      fix: 'choose another revision or model',
    })
  const bytes = await collect(download(hub, listing, file, signal, transfer))
  if (!isRight(file, startDigest(file).update(bytes).digest('hex'))) throw wrongBytes(file, listing.repo)
  return bytes
}
