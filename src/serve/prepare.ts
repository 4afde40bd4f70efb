/** The line from options to a launch: detect, find the model, plan. `aim plan` and `aim serve` share it. */

import type { Environment } from '../config/parse.ts'
import { bootsDirectory, cacheDirectory, hubOf, policyOf, repoOf, requestOf } from '../config/rooms.ts'
import type { Options } from '../config/variables.ts'
import { passedOn } from '../engine/environment.ts'
import { vllm } from '../engine/vllm.ts'
import type { Inventory } from '../hardware/inventory.ts'
import { overridesOf } from '../plan/arguments.ts'
import { checkRequest } from '../plan/check-arguments.ts'
import type { Launch } from '../plan/launch.ts'
import { plan, repositoryFor } from '../plan/plan.ts'
import { usableGpus } from '../plan/question.ts'
import { isRefusal, type Refusal } from '../plan/refusal.ts'
import type { Request } from '../plan/request.ts'
import type { Profile } from '../recipes/profile.ts'
import type { Policy } from '../supervisor/policy.ts'
import { readBoots } from './boots.ts'
import { flagRules } from './flags.ts'
import { machineOf, withBusy } from './machine.ts'
import { type FoundModel, findModel, type ModelQuestion } from './model.ts'
import { loadRecipes } from './recipes.ts'
import { selfCommand } from './self.ts'

/** A launch, or why there is none; with what was asked in checked words, the machine, and the model, which may still have to be pulled. */
export type Prepared = {
  readonly launch: Launch | Refusal
  readonly request: Request
  readonly inventory?: Inventory
  readonly found?: FoundModel
}

/** The lifecycle's numbers for this environment. */
export const policyFor = (options: Options, environment: Environment): Policy =>
  policyOf(options, environment.KUBERNETES_SERVICE_HOST !== undefined)

/** What was asked for, with the variables of the engine that the user set. */
export const requestFor = (options: Options, environment: Environment): Request =>
  withCommand({ ...requestOf(options), engineEnvironment: passedOn(environment) })

/** How to look for the weights of `repository`. AIM_REVISION names a revision of the model that was asked for, which another repository does not have. */
export const modelQuestion = (options: Options, request: Request, repository: string, signal: AbortSignal): ModelQuestion => ({
  model: repository,
  repo: repoOf(options, repository),
  revision: repository === request.model ? request.revision : 'main',
  cacheDir: cacheDirectory(options),
  hub: hubOf(options),
  offline: options.hubOffline,
  signal,
})

/** Runs the line. `onPhase` hears where it is, `warn` what is gone on without. The catalog comes before the model: its best profile may load another repository's weights. */
export const prepare = async (
  options: Options,
  environment: Environment,
  signal: AbortSignal,
  onPhase: (name: 'detect' | 'describe' | 'plan') => void,
  warn: (sentence: string) => void,
): Promise<Prepared> => {
  const asked = requestFor(options, environment)
  const rules = flagRules(options)
  const checked = checkRequest(asked, rules)
  if (isRefusal(checked)) return { request: asked, launch: checked }
  for (const warning of checked.warnings) warn(warning)
  onPhase('detect')
  const inventory = await machineOf(options, environment)
  const looked = withBusy(options.sysfsRoot, inventory)
  const catalog = await loadRecipes(options.recipesPath, options.strict, warn, checked.request.model)
  const request = await withBoots(checked.request, options, inventory, catalog)
  const repository = repositoryFor(request, inventory, catalog, rules)
  if (typeof repository !== 'string') return { request, inventory, launch: repository }
  onPhase('describe')
  const found = await findModel(modelQuestion(options, request, repository, signal))
  if (found.unread !== undefined) warn(withoutHeaders(found.unread))
  onPhase('plan')
  const machine = await looked
  const launch = plan(request, machine, catalog, found.source, policyFor(options, environment), vllm, rules)
  return { request, inventory: machine, found, launch }
}

/** What is done instead where the headers of weights cannot be read. */
export const withoutHeaders = (unread: string): string =>
  `${unread}; the weights are taken from the sizes of the files and the architecture`

/** Whether the engine will read the model's weights: the simulator has none, and vLLM can be told to make them up. */
export const loadsWeights = (request: Request): boolean => request.engine === 'vllm' && overridesOf(request)['load-format'] !== 'dummy'

/** The request with what earlier starts of these weights took on such GPUs. */
export const withBoots = async (
  request: Request,
  options: Options,
  inventory: Inventory,
  catalog: readonly Profile[],
): Promise<Request> => {
  const gpus = usableGpus(request, inventory)
  const own = catalog.filter(({ model }) => model === request.model)
  const repositories = [...new Set([request.model, ...own.flatMap(({ checkpoint }) => checkpoint ?? [])])]
  const boots = gpus.length === 0 || request.engine === 'simulator' ? [] : await readBoots(bootsDirectory(options), gpus, repositories)
  return boots.length === 0 ? request : { ...request, boots }
}

const withCommand = (request: Request): Request =>
  request.engine === 'simulator' && request.engineCommand === undefined ? { ...request, engineCommand: selfCommand('simulator') } : request
