/** Edge: the place where AMD's runtime looks for a model, AIM_CACHE_PATH/ORG/MODEL, as a link to our snapshot. */
import { mkdirSync, readlinkSync, renameSync, symlinkSync, unlinkSync } from 'node:fs'
import { basename, dirname, join, relative } from 'node:path'

/**
 * Links ORG/MODEL beside the hub folder of a cache to a snapshot in it, relative, so that the volume can be mounted anywhere. Gives the
 * link's path, or the snapshot's own where a directory that is no link of ours is in the way, the cache has another layout or is read-only.
 */
export const linkModel = (cacheDirectory: string, model: string, snapshot: string): string => {
  const link = join(dirname(cacheDirectory), model)
  if (basename(cacheDirectory) !== 'hub' || model.startsWith('/') || model.split('/').length !== 2) return snapshot
  const target = relative(dirname(link), snapshot)
  try {
    mkdirSync(dirname(link), { recursive: true })
    if (targetOf(link) === target) return link
    // A rename takes the place of an older link at once, and refuses that of a directory.
    const fresh = `${link}.${process.pid}.link`
    symlinkSync(target, fresh)
    return moved(fresh, link) ? link : snapshot
  } catch {
    return snapshot
  }
}

const moved = (fresh: string, link: string): boolean => {
  try {
    renameSync(fresh, link)
    return true
  } catch {
    unlinkSync(fresh)
    return false
  }
}

const targetOf = (link: string): string | undefined => {
  try {
    return readlinkSync(link)
  } catch {
    return undefined
  }
}
