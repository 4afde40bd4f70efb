/** Edge: what a diagnosis says of the model that was named: whether it can be had, and what it needs here. */
import { existsSync } from 'node:fs'
import { blobPath } from '../cache/paths.ts'
import { type HubProbe, probeHub } from '../cache/probe.ts'
import type { Environment } from '../config/parse.ts'
import { cacheDirectory, hubOf } from '../config/rooms.ts'
import type { Options } from '../config/variables.ts'
import { questionOf } from '../plan/question.ts'
import { isRefusal } from '../plan/refusal.ts'
import type { HubSymptoms, ModelSymptoms, Symptoms, Trouble } from '../plan/symptoms.ts'
import { factsFor } from '../recipes/memory.ts'
import { type ExitCode, exitCodes } from '../std/exit-codes.ts'
import { Failure } from '../std/failure.ts'
import type { FoundModel } from './model.ts'
import { type Rehearsed, rehearse, type Scene, setScene } from './rehearse.ts'

/** How long the hub may take for an answer, and once more for the files of a model. Milliseconds. */
const patienceMs = 3000

/**
 * Asks the hub, unless it must not be asked, and plans for the model, if one is named. What goes wrong on the way is what is reported; a hub
 * that did not answer is not asked again, and the recipe's own sizes stand in for those of the files.
 */
export const modelSymptoms = async (options: Options, environment: Environment): Promise<Pick<Symptoms, 'hub' | 'model'>> => {
  const repo = options.model?.replace(/^hf:\/\//, '')
  const isLocal = repo?.startsWith('/') === true
  const probe =
    options.hubOffline || isLocal ? undefined : await probeHub(hubOf(options), wanted(repo, options), AbortSignal.timeout(patienceMs))
  const isReached = isLocal || (probe !== undefined && probe.silent !== true && probe.failure === undefined)
  const needs = repo === undefined ? undefined : await needsOf(repo, isReached ? options : { ...options, hubOffline: true }, environment)
  const model = options.hubOffline && !isLocal ? withoutHub(needs) : needs
  return { ...(probe !== undefined && { hub: hubSymptoms(options, probe) }), ...(model !== undefined && { model }) }
}

// Nobody will fetch it, so what is missing is missing for good.
const withoutHub = (needs: ModelSymptoms | undefined): ModelSymptoms | undefined =>
  needs === undefined || needs.trouble !== undefined || needs.downloadBytes === 0 ? needs : { ...needs, trouble: notCached(needs.id) }

const notCached = (id: string): Trouble => ({
  exitCode: exitCodes.config,
  message: `${id} is not whole in the cache, and HF_HUB_OFFLINE forbids asking the hub`,
  fix: 'fill the cache first, mount the right one (HF_HUB_CACHE, AIM_CACHE_PATH), or unset HF_HUB_OFFLINE',
})

const wanted = (repo: string | undefined, { revision }: Options) => (repo === undefined ? undefined : { repo, revision })

// Refused, but shown all the same.
const withoutPassword = (endpoint: string): string => endpoint.replace(/\/\/[^/]*@/, '//')

const hubSymptoms = (options: Options, { failure, dateMs, silent }: HubProbe): HubSymptoms => ({
  endpoint: withoutPassword(options.hubEndpoint),
  withToken: options.hubToken !== undefined,
  ...(silent === true && { silent }),
  ...(dateMs !== undefined && { dateMs }),
  ...(failure !== undefined && { trouble: troubleOf(failure) }),
})

const troubleOf = ({
  exitCode,
  message,
  fix,
}: {
  readonly exitCode: number
  readonly message: string
  readonly fix?: string | undefined
}): Trouble => ({
  exitCode: exitCode as ExitCode,
  message,
  fix: fix ?? 'see aim plan',
})

const needsOf = async (id: string, options: Options, environment: Environment): Promise<ModelSymptoms> => {
  try {
    const scene = await setScene(options, environment, () => undefined)
    const rehearsed = await rehearse(scene, options, environment, patienceMs)
    if (isRefusal(rehearsed.launch)) return { id, trouble: troubleOf(rehearsed.launch), ...downloadOf(rehearsed.found, options) }
    return { id, ...numbersOf(rehearsed.launch, rehearsed, scene), ...downloadOf(rehearsed.found, options) }
  } catch (error) {
    if (error instanceof Failure) return { id, trouble: troubleOf(error) }
    throw error
  }
}

const numbersOf = (
  { profile, gpus, resources }: Exclude<Rehearsed['launch'], { readonly kind: 'refusal' }>,
  { found }: Rehearsed,
  { request, inventory }: Scene,
): Partial<ModelSymptoms> => {
  // Nothing was found where the hub was not asked: then what the recipe says is all there is.
  const facts = found?.source.facts ?? factsFor(profile, questionOf(request, inventory))
  const weightsBytes = facts?.weightsBytes
  return {
    gpus: gpus.length,
    ...(resources.memoryBytes !== undefined && { memoryBytes: resources.memoryBytes }),
    ...(weightsBytes !== undefined && { weightsBytes }),
    ...(found === undefined && weightsBytes !== undefined && { downloadBytes: weightsBytes }),
  }
}

// A listing is there when something has to be pulled; what lies there already has not.
const downloadOf = (found: FoundModel | undefined, options: Options): Partial<ModelSymptoms> => {
  if (found === undefined) return {}
  const { repo = '', files = [] } = found.listing ?? {}
  const missing = files.filter(({ etag }) => !existsSync(blobPath(cacheDirectory(options), repo, etag)))
  return { downloadBytes: missing.reduce((sum, { bytes }) => sum + bytes, 0), downloadFiles: missing.length }
}
