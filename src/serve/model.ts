/** From a model's name to where it lies and what it is: from the cache when it is whole there, else from the hub. */
import { locate, missingIn, readModelConfig, snapshotFiles } from '../cache/locate.ts'
import { snapshotPath } from '../cache/paths.ts'
import type { Hub, Listing, Snapshot } from '../cache/types.ts'
import { describe } from '../model/describe.ts'
import type { ModelSource } from '../plan/launch.ts'
import { exitCodes } from '../std/exit-codes.ts'
import { Failure } from '../std/failure.ts'
import { runWorker } from './worker.ts'

/** What was found. `listing` is there when something must still be pulled. */
export type FoundModel = { readonly source: ModelSource; readonly listing?: Listing }

/** Which model, and where it may be looked for. */
export type ModelQuestion = {
  readonly model: string
  /** Its name in the cache, which says the hub too. */
  readonly repo: string
  readonly revision: string
  readonly cacheDir: string
  readonly hub: Hub
  readonly offline: boolean
  readonly signal: AbortSignal
  /** Tries to reach the hub; a start's own patience when absent. */
  readonly attempts?: number
  /** Which of its files are wanted, as globs; none for all of them. Left out, what earlier pulls asked for is enough when it can be served. */
  readonly patterns?: readonly string[]
}

/** Finds the model; asks the hub only when the cache does not hold all of it. */
export const findModel = async (question: ModelQuestion): Promise<FoundModel> => {
  const { model, repo, revision, offline } = question
  if (model.startsWith('/')) return { source: sourceAt(model, model) }
  const snapshot = locateWanted(question)
  if (snapshot !== undefined && snapshot.missing.length === 0) {
    const artifact = { repo, commit: snapshot.commit, patterns: [], ...(snapshot.commit === revision ? {} : { ref: revision }) }
    return { source: { ...sourceAt(model, snapshot.path), artifact } }
  }
  if (offline) throw notCached(question, snapshot?.missing)
  return describeOnHub(question)
}

const locateWanted = ({ cacheDir, repo, revision, patterns }: ModelQuestion): Snapshot | undefined => {
  const snapshot = locate(cacheDir, repo, revision, patterns)
  if (snapshot === undefined || snapshot.missing.length > 0 || patterns !== undefined) return snapshot
  // Whole as far as it was asked for, which may have been only its config.
  return { ...snapshot, missing: missingIn(snapshot.path) }
}

const sourceAt = (id: string, path: string): ModelSource => ({ id, path, facts: describe(readModelConfig(path), snapshotFiles(path)) })

/**
 * Why a directory of the user's is not served: an engine would look for what is missing on a hub, or load less than the model. Undefined
 * when nothing is seen to be missing.
 */
export const tornDirectory = ({ source: { path, artifact } }: FoundModel): Failure | undefined => {
  const missing = artifact === undefined ? missingIn(path) : []
  if (missing.length === 0) return undefined
  return new Failure(`cannot serve ${path}: it lacks ${list(missing)}`, {
    exitCode: exitCodes.config,
    fix: 'copy the whole model there, or mount the directory that holds all of it',
  })
}

const list = (names: readonly string[]): string =>
  `${names.slice(0, 3).join(', ')}${names.length > 3 ? ` and ${names.length - 3} more` : ''}`

const describeOnHub = async ({ model, repo, revision, cacheDir, hub, signal, attempts }: ModelQuestion): Promise<FoundModel> => {
  const asked = { kind: 'describe', hub, repo, revision, ...(attempts === undefined ? {} : { attempts }) } as const
  const { listing, config } = await runWorker(asked, 'described', signal, () => undefined)
  const { commit, ref } = listing
  return {
    listing,
    source: {
      id: model,
      path: snapshotPath(cacheDir, repo, commit),
      artifact: { repo, commit, patterns: [], ...(ref === undefined ? {} : { ref }) },
      facts: describe(config, listing.files),
    },
  }
}

const notCached = ({ model, revision, cacheDir }: ModelQuestion, missing: readonly string[] | undefined): Failure =>
  new Failure(
    `cannot serve ${model} at ${revision}: HF_HUB_OFFLINE forbids asking the hub, and the cache at ${cacheDir} ${
      missing === undefined ? 'does not hold it' : `lacks ${list(missing)}`
    }`,
    {
      exitCode: exitCodes.config,
      fix: 'fill the cache first, mount the right one (HF_HUB_CACHE, AIM_CACHE_PATH), or unset HF_HUB_OFFLINE',
    },
  )
