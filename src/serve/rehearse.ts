/** The line from options to a launch for a machine that need not be this one, and without weights where none can be had. */
import { snapshotFiles } from '../cache/locate.ts'
import type { Environment } from '../config/parse.ts'
import type { Options } from '../config/variables.ts'
import { vllm } from '../engine/vllm.ts'
import type { Inventory } from '../hardware/inventory.ts'
import { checkRequest } from '../plan/check-arguments.ts'
import { imagine } from '../plan/imagine.ts'
import type { Launch } from '../plan/launch.ts'
import { plan, repositoryFor } from '../plan/plan.ts'
import { isRefusal, type Refusal } from '../plan/refusal.ts'
import type { Request } from '../plan/request.ts'
import type { Profile } from '../recipes/profile.ts'
import { type ExitCode, exitCodes } from '../std/exit-codes.ts'
import { Failure } from '../std/failure.ts'
import { flagRules } from './flags.ts'
import { machineOf } from './machine.ts'
import { type FoundModel, findModel } from './model.ts'
import { modelQuestion, policyFor, requestFor, withBoots } from './prepare.ts'
import { loadRecipes } from './recipes.ts'

/** What is asked, where (`imagined`: not on this machine), and what can be chosen from: all that is known before the model. */
export type Scene = {
  readonly request: Request
  readonly inventory: Inventory
  readonly imagined: boolean
  readonly catalog: readonly Profile[]
}

/** A launch, or why there is none. `blind` says why nothing is known about the model where that is so; `found` is absent then. */
export type Rehearsed = { readonly launch: Launch | Refusal; readonly found?: FoundModel; readonly blind?: string }

/** The scene of an environment; GPUs that were named and are not here are imagined. */
export const setScene = async (options: Options, environment: Environment, warn: (text: string) => void): Promise<Scene> => {
  const checked = checkRequest(requestFor(options, environment), flagRules(options))
  if (isRefusal(checked)) throw new Failure(checked.message, { exitCode: checked.exitCode as ExitCode, fix: checked.fix })
  for (const warning of checked.warnings) warn(warning)
  const catalog = await loadRecipes(options.recipesPath, options.strict, warn)
  const here = await machineOf(options, environment)
  const inventory = imagine(checked.request, here, catalog)
  const request = await withBoots(checked.request, options, inventory, catalog)
  return { request, catalog, inventory, imagined: inventory !== here }
}

/** Plans a scene. Where the hub does not answer or does not permit, the plan is made without facts, as long as `patienceMs` allows. */
export const rehearse = async (scene: Scene, options: Options, environment: Environment, patienceMs: number): Promise<Rehearsed> => {
  const { request, inventory, catalog } = scene
  const repository = repositoryFor(request, inventory, catalog, flagRules(options))
  if (typeof repository !== 'string') return { launch: repository }
  const found = await describeWithin(options, request, repository, patienceMs)
  const source = typeof found === 'string' ? { id: repository, path: repository, facts: { task: 'generate' } as const } : found.source
  const launch = plan(request, inventory, catalog, source, policyFor(options, environment), vllm, flagRules(options))
  return typeof found === 'string' ? { launch, blind: found } : { launch, found }
}

/** A plan can go without the hub, so it does not insist as a start would. */
const attempts = 2

const describeWithin = async (options: Options, request: Request, repository: string, ms: number): Promise<FoundModel | string> => {
  const signal = AbortSignal.timeout(ms)
  try {
    return await findModel({ ...modelQuestion(options, request, repository, signal), attempts })
  } catch (error) {
    if (signal.aborted) return `the hub did not answer within ${ms / 1000} s`
    if (error instanceof Failure && canGoWithout(error, repository)) return error.message
    throw error
  }
}

const away: readonly number[] = [exitCodes.temporary, exitCodes.permission]

// A directory that cannot be read is a mistake; a hub that is far away, closed or forbidden is a circumstance.
const canGoWithout = ({ exitCode, message }: Failure, repository: string): boolean =>
  !repository.startsWith('/') && (away.includes(exitCode) || message.includes('HF_HUB_OFFLINE'))

/** Bytes of all files of a model: as the hub lists them, else as they lie in the cache. */
export const downloadSize = ({ listing, source }: FoundModel): number =>
  (listing?.files ?? snapshotFiles(source.path)).reduce((sum, { bytes }) => sum + bytes, 0)
