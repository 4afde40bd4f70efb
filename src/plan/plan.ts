import type { EngineAdapter, EngineInput } from '../engine/adapter.ts'
import type { Inventory } from '../hardware/inventory.ts'
import { repositoryOf } from '../recipes/hard-tests.ts'
import { canonicalId, readGeneralId } from '../recipes/id.ts'
import { effectiveArguments, fitOn, setupOn } from '../recipes/memory.ts'
import { decimal } from '../recipes/numbers.ts'
import { gpusAskedBy } from '../recipes/parallel.ts'
import { pinnedProfile } from '../recipes/pinned.ts'
import type { Profile, Selection } from '../recipes/profile.ts'
import type { Question } from '../recipes/question.ts'
import { select } from '../recipes/select.ts'
import { nearestRunnable } from '../recipes/way-out.ts'
import { gib } from '../std/bytes.ts'
import type { Policy } from '../supervisor/policy.ts'
import { mergeArguments, overridesOf } from './arguments.ts'
import { checkSelection, type FlagRules } from './check-arguments.ts'
import { compilePlace } from './compile-place.ts'
import { chooseGpus, visibleDevices } from './gpus.ts'
import { cpuCache, type HostQuestion, hostRefusal, resourceReasons, resourcesOf } from './host.ts'
import type { Launch, ModelSource } from './launch.ts'
import { questionOf, usableGpus } from './question.ts'
import { badRequest, describeHidden, isRefusal, noGpu, type Refusal } from './refusal.ts'
import type { Request } from './request.ts'
import { refuseSecrets } from './secrets.ts'
import { storageReasons } from './storage.ts'

/** What runs when AIM_ENGINE_COMMAND names nothing. */
const commands: Readonly<Record<Request['engine'], readonly string[]>> = { vllm: ['vllm'], simulator: ['aim', 'simulator'] }

/**
 * The repository whose weights will be served: the model's own, or the quantized checkpoint that its best profile here loads. To be asked
 * before the model is described, because a launch is planned for weights that are known. With `rules` the profile's arguments are checked.
 */
export const repositoryFor = (request: Request, inventory: Inventory, catalog: readonly Profile[], rules?: FlagRules): string | Refusal => {
  const selection = checkSelection(choose(request, versioned(questionOf(request, inventory), rules), inventory, catalog), rules)
  return isRefusal(selection) ? selection : repositoryOf(selection.profile, request.model)
}

/**
 * The whole decision for this container: a profile that loads the weights of `source`, the GPUs it runs on, the engine's command line and
 * environment, the resources, and why each is so. Pure; a launch holds no secret, and what would put one into it is refused (78).
 */
export const plan = (
  request: Request,
  inventory: Inventory,
  catalog: readonly Profile[],
  source: ModelSource,
  policy: Policy,
  adapter: EngineAdapter,
  rules?: FlagRules,
): Launch | Refusal => {
  const question = versioned(questionOf(request, inventory, source), rules)
  const selection = checkSelection(choose(request, question, inventory, catalog), rules)
  if (isRefusal(selection)) return selection
  const host = hostQuestion(request, question, selection.profile, cpuCache(selection.profile, request, inventory.host, source))
  return (
    refuseSecrets(request, selection.profile) ??
    hostRefusal(selection.profile, host, inventory.host) ??
    build({ request, inventory, source, policy, adapter, question, selection, rules })
  )
}

/** The flags are those of the engine that is here, and so is their version. */
const versioned = (question: Question, rules: FlagRules | undefined): Question =>
  rules === undefined ? question : { engineVersion: rules.schema.version, ...question }

const choose = (request: Request, question: Question, inventory: Inventory, catalog: readonly Profile[]): Selection | Refusal => {
  const refusal = refuseSecrets(request) ?? refuseContradictions(request)
  if (refusal !== undefined) return refusal
  if (needsGpu(request) && question.gpus.length === 0 && !namesNothing(question, catalog))
    return { ...noGpu(request.model, inventory), nearest: nearestRunnable(question, catalog) }
  const selection = select(question, catalog)
  if (!isRefusal(selection)) return selection
  // A GPU that was hidden by mistake is the likeliest cause of too few.
  const message = [selection.message, ...describeHidden(inventory)].join('; ')
  return { ...selection, message, nearest: nearestRunnable(question, catalog) }
}

const needsGpu = ({ engine, gpuCount, profileId }: Request): boolean =>
  gpuCount === 'auto' ? engine !== 'simulator' && !profileId?.toLowerCase().includes('-cpu-') : gpuCount > 0

/** Whether a profile was asked for by an id that nobody has, which is wrong on any machine. */
const namesNothing = ({ profileId, model }: Question, catalog: readonly Profile[]): boolean =>
  profileId !== undefined && pinnedProfile(profileId, model, catalog) === undefined && readGeneralId(canonicalId(profileId)) === undefined

const refuseContradictions = (request: Request): Refusal | undefined => {
  const overrides = overridesOf(request)
  if (overrides.model !== undefined) return badRequest('cannot take the model from the engine arguments', 'set AIM_MODEL_ID')
  const world = gpusAskedBy(overrides)
  if (world === undefined || request.gpuCount === 'auto' || request.gpuCount === 0 || request.gpuCount === world) return undefined
  return badRequest(
    `cannot use ${request.gpuCount} GPUs: the engine arguments divide the work over ${world} (tensor x pipeline x data parallel)`,
    `set AIM_GPU_COUNT=${world}, or take the parallel sizes out of the engine arguments`,
  )
}

/** All that a launch is built from once nothing can be refused any more. */
type Decided = {
  readonly request: Request
  readonly inventory: Inventory
  readonly source: ModelSource
  readonly policy: Policy
  readonly adapter: EngineAdapter
  readonly question: Question
  readonly selection: Selection
  readonly rules: FlagRules | undefined
}

const build = ({ request, inventory, source, policy, adapter, question, selection, rules }: Decided): Launch => {
  const { profile, rejected } = selection
  const usable = usableGpus(request, inventory)
  const { gpus, reasons: gpuReasons } = chooseGpus(profile, question, usable, inventory, request)
  const merged = mergeArguments(profile, request)
  const input: EngineInput = { command: request.engineCommand ?? commands[request.engine], modelPath: source.path, ...merged.input }
  const cache = cpuCache(profile, request, inventory.host, source)
  const masks = visibleDevices(gpus, usable, request.engineEnvironment ?? {})
  const host = hostQuestion(request, question, profile, cache)
  const resources = resourcesOf(profile, source, host)
  const environment = environmentOf(profile, request)
  const [gpu] = gpus
  const setup = gpu === undefined ? undefined : setupOn(profile, question, gpu)
  const learned = gpu === undefined ? undefined : fitOn(profile, question, gpu)?.learned
  return {
    engine: {
      name: request.engine,
      argv: adapter.argv(input),
      env: { ...environment.variables, ...adapter.environment(input), ...cache, ...masks },
    },
    model: { ...source, id: request.model, servedNames: input.servedNames },
    profile,
    gpus,
    artifacts: source.artifact === undefined ? [] : [source.artifact],
    resources,
    compiled: compilePlace(rules?.schema ?? { engine: request.engine }, gpus, profile, input),
    ...(setup === undefined ? {} : { setup }),
    policy,
    reasons: [
      ...selection.reasons,
      ...gpuReasons,
      ...merged.reasons,
      ...environment.reasons,
      ...(learned === undefined ? [] : [learned]),
      ...cacheReasons(cache),
      ...resourceReasons(resources, profile, host, inventory.host),
      ...loadingReasons(request, profile, host, source),
    ],
    rejected,
  }
}

/** The simulator and made-up weights read nothing. */
const loadingReasons = (request: Request, profile: Profile, { engine, arguments: args }: HostQuestion, { facts }: ModelSource) => {
  const { weightsBytes } = facts
  if (engine === 'simulator' || profile.gpuCount === 0 || weightsBytes === undefined || args['load-format'] === 'dummy') return []
  const variables = { ...profile.environment, ...request.engineEnvironment }
  const budgetSeconds = decimal(variables.VLLM_ENGINE_READY_TIMEOUT_S)
  return storageReasons({ weightsBytes, boots: request.boots ?? [], ...(budgetSeconds === undefined ? {} : { budgetSeconds }) })
}

const hostQuestion = (request: Request, question: Question, profile: Profile, cache: Readonly<Record<string, string>>): HostQuestion => ({
  engine: request.engine,
  arguments: effectiveArguments(profile, question),
  cpuCacheBytes: gib(Number(cache.VLLM_CPU_KVCACHE_SPACE ?? 0)),
})

type Variables = { readonly variables: Readonly<Record<string, string>>; readonly reasons: readonly string[] }

/** The profile's variables but for those that the user set himself. */
const environmentOf = ({ environment }: Profile, { engineEnvironment = {} }: Request): Variables => {
  const [own, taken] = [Object.entries(environment), (name: string) => engineEnvironment[name] !== undefined]
  return {
    variables: Object.fromEntries(own.filter(([name]) => !taken(name))),
    reasons: own.filter(([name]) => taken(name)).map(([name, value]) => `${name} is yours; the profile would set ${value}`),
  }
}

const cacheReasons = ({ VLLM_CPU_KVCACHE_SPACE: space }: Readonly<Record<string, string>>): readonly string[] =>
  space === undefined
    ? []
    : [`${space} GiB of KV cache on the CPU: a quarter of the memory, at most what the weights leave and 40 GiB, at least 1`]
