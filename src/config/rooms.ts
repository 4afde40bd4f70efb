/** From options to what each room asks for. */
import { dirname, join } from 'node:path'
import { cacheName, readModelName } from '../cache/model-name.ts'
import type { Hub, HubKind } from '../cache/types.ts'
import type { Request } from '../plan/request.ts'
import { exitCodes } from '../std/exit-codes.ts'
import { Failure } from '../std/failure.ts'
import type { Problem } from '../std/problem.ts'
import { type Policy, withinGrace } from '../supervisor/policy.ts'
import { type Options, variables } from './variables.ts'

/** Where AMD's images keep models. */
const defaultCache = '/workspace/model-cache'

/** The hub cache directory: HF_HUB_CACHE, else AIM_CACHE_PATH/hub, else HF_HOME/hub, else AMD's place. */
export const cacheDirectory = (options: Options): string => {
  if (options.hubCache !== undefined) return options.hubCache
  return `${options.cachePath ?? options.hfHome ?? defaultCache}/hub`
}

/** Where we keep our own things: beside the hub's cache on the same volume, or in it when that is all there is. */
const ownDirectory = ({ cachePath, hfHome, hubCache }: Options): string => {
  const parent = hubCache === undefined ? defaultCache : dirname(hubCache)
  return join(cachePath ?? hfHome ?? (parent === '/' ? (hubCache ?? defaultCache) : parent), 'aim')
}

/** Where it is kept how long starts took. */
export const startsDirectory = (options: Options): string => join(ownDirectory(options), 'starts')

/** Where it is kept what engines compiled. */
export const compiledDirectory = (options: Options): string => join(ownDirectory(options), 'compiled')

/** Where it is kept what starts took of the GPUs' memory. */
export const bootsDirectory = (options: Options): string => join(ownDirectory(options), 'boots')

const withToken = (token: string | undefined): { readonly token?: string } => (token === undefined ? {} : { token })

const hubs: { readonly [K in HubKind]: (options: Options) => Hub } = {
  huggingface: ({ hubEndpoint: endpoint, hubToken }) => ({ endpoint, ...withToken(hubToken) }),
  modelscope: ({ modelScopeEndpoint: endpoint, modelScopeToken }) => ({ kind: 'modelscope', endpoint, ...withToken(modelScopeToken) }),
  s3: () => ({ kind: 's3', endpoint: '' }),
}

/** Where a model is fetched from, by its name: the one that the environment names when left out. Absent for a directory. */
export const hubOf = (options: Options, model = options.model ?? ''): Hub => {
  const { kind } = readModelName(model)
  return hubs[kind === 'directory' ? 'huggingface' : kind](options)
}

/** The name in the cache of a repository that belongs to the model which the environment names: itself, or a checkpoint beside it on the same hub. */
export const repoOf = ({ model = '' }: Options, repository: string): string => {
  const [{ kind }, own] = [readModelName(model), readModelName(repository)]
  return cacheName(own.kind === 'huggingface' && kind === 'modelscope' ? { ...own, kind } : own)
}

/** What `docker stop` and Compose give where nobody asked for more (docs.docker.com, `--stop-timeout`); milliseconds. */
const dockerGraceMs = 10_000

/** The time from SIGTERM to SIGKILL; undefined when the stages may take theirs: whoever named these knows what the container is given. */
export const graceOf = ({ gracePeriod, drainTimeout, stopTimeout }: Options, inKubernetes: boolean): number | undefined =>
  gracePeriod ?? (inKubernetes || drainTimeout !== undefined || stopTimeout !== undefined ? undefined : dockerGraceMs)

/** The lifecycle's numbers; `inKubernetes` gives the drain delay and the grace period their defaults. */
export const policyOf = (options: Options, inKubernetes: boolean): Policy => {
  const grace = graceOf(options, inKubernetes)
  const policy = fullPolicyOf(options, inKubernetes)
  return grace === undefined ? policy : withinGrace(policy, grace)
}

/** The same with all the time that the stages may take, which the manifests give. */
export const fullPolicyOf = (options: Options, inKubernetes: boolean): Policy => ({
  startupStallMs: options.startupStall,
  stallMs: options.stall,
  onStall: options.stallAction,
  canaryMs: options.canary,
  examineMs: 10_000,
  drainDelayMs: options.drainDelay ?? (inKubernetes ? 5000 : 0),
  drainMs: options.drainTimeout ?? 60_000,
  stopMs: options.stopTimeout ?? 20_000,
  killMs: 5000,
  reclaimMs: options.reclaimTimeout,
  restart: {
    when: options.restart,
    intensity: options.restartIntensity,
    periodMs: options.restartPeriod,
    baseMs: options.restartBackoff,
    capMs: 60_000,
    healthyMs: options.restartReset,
  },
  roomMs: options.memoryWait,
  onHeld: options.memoryHeld,
})

/** What the user asked for; fails with 78 when no model is named. */
export const requestOf = (options: Options): Request => {
  const { model, precision, gpuModel, profileId, engineCommand, maxModelLength } = options
  if (model === undefined) throw noModel()
  const id = readModelName(model).name
  // In AMD's runtime a pinned profile is taken whatever else was asked for.
  const isAlone = profileId !== '' && !options.strict
  return {
    model: id,
    revision: options.revision,
    engine: options.engine,
    metric: options.metric,
    gpuCount: isAlone ? 'auto' : options.gpuCount,
    allowGeneral: options.allowGeneral,
    engineArguments: options.engineArguments,
    extraArguments: options.extraArguments,
    servedNames: options.servedNames.length > 0 ? options.servedNames : [id],
    host: options.host,
    port: options.port,
    ...(engineCommand.length > 0 ? { engineCommand } : {}),
    ...(precision === 'auto' || isAlone ? {} : { precision }),
    ...(gpuModel === 'auto' ? {} : { gpuModel }),
    ...(profileId === '' ? {} : { profileId }),
    ...(maxModelLength === undefined ? {} : { maxModelLength }),
  }
}

const nameOne = 'set AIM_MODEL_ID=org/name, or name it on the command line: aim serve org/name'

const noModel = (): Failure => new Failure('cannot tell what to serve: no model is named', { exitCode: exitCodes.config, fix: nameOne })

/** That no model is named, to be told beside what else is wrong; empty when one is. Unlike the other rules it is for those who serve. */
export const missingModel = ({ model }: Options): readonly Problem[] =>
  model === undefined ? [{ severity: 'problem', key: variables.model.name, rule: 'must name the model to serve', fix: nameOne }] : []
