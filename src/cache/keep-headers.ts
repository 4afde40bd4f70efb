/** The short list of a snapshot's tensors, written after a pull: by it no later start opens a shard. */

import { dirname } from 'node:path'
import { tensorsText } from '../std/safetensors.ts'
import { makeDirectory, newToken, writeDurably } from './durable.ts'
import { headersBelow, keptHeaders } from './headers.ts'
import { tensorsPath } from './paths.ts'
import type { Snapshot } from './types.ts'

/** Writes the list of a whole snapshot of the files `paths`. A cache that cannot be written goes without. */
export const keepHeaders = async (cacheDir: string, { repo, commit, path }: Snapshot, paths: readonly string[]): Promise<void> => {
  if (keptHeaders(cacheDir, repo, commit) !== undefined) return
  const { tensors } = headersBelow(path, paths, { shards: Number.POSITIVE_INFINITY, bytes: Number.POSITIVE_INFINITY })
  if (tensors === undefined) return
  const kept = tensorsPath(cacheDir, repo, commit)
  try {
    await makeDirectory(dirname(kept))
    await writeDurably(kept, tensorsText(tensors), newToken())
  } catch {
    // Read-only, full or away: the shards themselves can be read.
  }
}
