/** From a model's name to where it lies and what it is: from the cache when it is whole there, else from the hub. */
import { headersBelow, keptHeaders } from '../cache/headers.ts'
import { locate, missingIn, readModelConfig, snapshotFiles } from '../cache/locate.ts'
import { snapshotPath } from '../cache/paths.ts'
import type { Headers } from '../cache/shards.ts'
import type { Hub, Listing, Snapshot } from '../cache/types.ts'
import { describe } from '../model/describe.ts'
import { headerLimits } from '../model/header-limits.ts'
import type { WeightFile } from '../model/weights.ts'
import type { ModelSource } from '../plan/launch.ts'
import { exitCodes } from '../std/exit-codes.ts'
import { Failure } from '../std/failure.ts'
import type { StoredTensor } from '../std/safetensors.ts'
import { runWorker } from './worker.ts'

/** What was found. `listing` is there when something must still be pulled; `unread` says why the weights' headers are not known, as a sentence. */
export type FoundModel = { readonly source: ModelSource; readonly listing?: Listing; readonly unread?: string }

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
  /** It is only fetched, and nothing planned: the hub is not asked for the headers of its weights. */
  readonly headless?: boolean
  /** Which of its files are wanted, as globs; none for all of them. Left out, what earlier pulls asked for is enough when it can be served. */
  readonly patterns?: readonly string[]
}

/** Finds the model; asks the hub only when the cache does not hold all of it. */
export const findModel = async (question: ModelQuestion): Promise<FoundModel> => {
  const { model, repo, revision, offline } = question
  if (model.startsWith('/')) return foundAt(model, model)
  const snapshot = locateWanted(question)
  if (snapshot !== undefined && snapshot.missing.length === 0) {
    const artifact = { repo, commit: snapshot.commit, patterns: [], ...(snapshot.commit === revision ? {} : { ref: revision }) }
    return foundAt(model, snapshot.path, { artifact, kept: keptHeaders(question.cacheDir, repo, snapshot.commit) })
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

type Beside = { readonly artifact?: ModelSource['artifact']; readonly kept?: readonly StoredTensor[] | undefined }

const foundAt = (id: string, path: string, { artifact, kept }: Beside = {}): FoundModel => {
  const { facts, unread } = describeAt(path, kept)
  return { source: { id, path, ...(artifact === undefined ? {} : { artifact }), facts }, ...(unread === undefined ? {} : { unread }) }
}

/** What the model in a directory is, by its config.json, its files, and the headers of its weights, which `kept` holds if they were read before. */
const describeAt = (path: string, kept: readonly StoredTensor[] | undefined) => {
  const [config, files] = [readModelConfig(path), snapshotFiles(path)]
  const { tensors, unread } = kept === undefined ? headersIn(path, config, files) : { tensors: kept }
  return { facts: describe(config, files, tensors), ...(unread === undefined ? {} : { unread }) }
}

const namesOf = (files: readonly WeightFile[]): readonly string[] => files.map(({ path }) => path)

/** The headers of the weights in a directory, as far as they are worth the reading. */
export const headersIn = (path: string, config: unknown, files: readonly WeightFile[]): Headers<StoredTensor> =>
  headersBelow(path, namesOf(files), headerLimits(config, 'here'))

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

const describeOnHub = async ({
  model,
  repo,
  revision,
  cacheDir,
  hub,
  signal,
  attempts,
  headless = false,
}: ModelQuestion): Promise<FoundModel> => {
  const asked = { kind: 'describe', hub, repo, revision, headless, ...(attempts === undefined ? {} : { attempts }) } as const
  const { listing, config, headers } = await runWorker(asked, 'described', signal, () => undefined)
  const { commit, ref } = listing
  return {
    listing,
    ...(headers.unread === undefined ? {} : { unread: headers.unread }),
    source: {
      id: model,
      path: snapshotPath(cacheDir, repo, commit),
      artifact: { repo, commit, patterns: [], ...(ref === undefined ? {} : { ref }) },
      facts: describe(config, listing.files, headers.tensors),
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
