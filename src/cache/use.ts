/** Edge: a lease on a snapshot for as long as an engine runs on it, so that nobody prunes it meanwhile. */
import { standardTimes } from './claim.ts'
import { makeDirectory, newToken } from './durable.ts'
import { takeLease } from './lease.ts'
import { ownerOfThis } from './owner.ts'
import { claimsPath } from './paths.ts'

/** The commit that a claim's name says is in use; undefined for a claim on a blob. */
export const useOf = (name: string): string | undefined => /^use-([0-9a-f]{40})-/.exec(name)?.[1]

/**
 * Says that a snapshot is in use until the result is called; many may say so at once. On a volume that cannot be written nothing is said,
 * since nobody can delete there either by this way.
 */
export const holdSnapshot = async (cacheDir: string, repo: string, commit: string): Promise<() => Promise<void>> => {
  const token = newToken()
  const directory = claimsPath(cacheDir, repo)
  const lease = await makeDirectory(directory)
    .then(() => takeLease({ directory, token, owner: ownerOfThis() }, `use-${commit}-${token}`))
    .catch(() => undefined)
  if (lease === undefined) return async () => {}
  // A change at every beat: a prune tells by it that the engine lives.
  let beats = 0
  const timer = setInterval(() => void lease.beat(++beats), standardTimes.beatMs).unref()
  return async () => {
    clearInterval(timer)
    await lease.release()
  }
}
