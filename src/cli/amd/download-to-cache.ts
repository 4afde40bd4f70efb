/** `aim download-to-cache`: AMD's prefetch. It needs no GPU. */
import type { Listing } from '../../cache/types.ts'
import { cacheDirectory, hubOf } from '../../config/rooms.ts'
import type { Options } from '../../config/variables.ts'
import { repositoryFor } from '../../plan/plan.ts'
import { findModel } from '../../serve/model.ts'
import { modelQuestion } from '../../serve/prepare.ts'
import { setScene } from '../../serve/rehearse.ts'
import { runWorker } from '../../serve/worker.ts'
import { exitCodes } from '../../std/exit-codes.ts'
import { Failure } from '../../std/failure.ts'
import { overlay, readOptions, warn } from '../options.ts'
import { write } from '../output.ts'
import { linkModel } from './model-link.ts'

/** The options of AMD's command. Both layouts of the cache are one for us, and names of one's own belong to S3. */
export type DownloadOptions = {
  readonly modelId?: string
  readonly useHfCache?: boolean
  readonly customModelName?: string
  readonly modelName?: string
}

/** Fetches the model and ends stdout with the line that AMD's scripts read. */
export const downloadCommand = async ({ modelId, modelName, customModelName = modelName }: DownloadOptions): Promise<number> => {
  const environment = overlay(modelId, {}, [])
  const options = readOptions(environment)
  if (customModelName !== undefined) warn('--custom-model-name means nothing here: a model from the hub keeps its name')
  const signal = new AbortController().signal
  const { request, inventory, catalog } = await setScene(options, environment, warn)
  const chosen = modelId === undefined ? repositoryFor(request, inventory, catalog) : request.model
  if (typeof chosen !== 'string') warn(`no profile can be chosen on this machine, so the model itself is fetched: ${chosen.message}`)
  const repository = typeof chosen === 'string' ? chosen : request.model
  const found = await findModel({ ...modelQuestion(options, request, repository, signal), headless: true })
  const path = found.listing === undefined ? found.source.path : await fetchAll(options, found.listing, signal)
  await write(`\nModel downloaded to: ${linkModel(cacheDirectory(options), repository, path)}`)
  return 0
}

const fetchAll = async (options: Options, listing: Listing, signal: AbortSignal): Promise<string> => {
  const { snapshot } = await runWorker(requestOf(options, listing), 'pulled', signal, () => undefined)
  if (snapshot.missing.length === 0) return snapshot.path
  throw new Failure(`cannot fetch all of ${listing.repo}: ${snapshot.missing.join(', ')} are still missing`, {
    exitCode: exitCodes.temporary,
  })
}

const requestOf = (options: Options, listing: Listing) =>
  ({ kind: 'pull', hub: hubOf(options), listing, patterns: [], cacheDir: cacheDirectory(options) }) as const
