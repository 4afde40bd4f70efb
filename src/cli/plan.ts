/** `aim plan`: what serve would do, without doing it. */

import type { Environment } from '../config/parse.ts'
import type { Options } from '../config/variables.ts'
import type { Inventory } from '../hardware/inventory.ts'
import type { Fit } from '../model/fit.ts'
import type { Launch } from '../plan/launch.ts'
import { questionOf } from '../plan/question.ts'
import type { Refusal } from '../plan/refusal.ts'
import type { Request } from '../plan/request.ts'
import { describeGpus } from '../recipes/hard-tests.ts'
import { fitOn } from '../recipes/memory.ts'
import { type Roofline, rooflineOf } from '../recipes/roofline.ts'
import type { FoundModel } from '../serve/model.ts'
import { type Prepared, prepare, withoutHeaders } from '../serve/prepare.ts'
import { rehearse, setScene } from '../serve/rehearse.ts'
import type { ExitCode } from '../std/exit-codes.ts'
import { Failure } from '../std/failure.ts'
import { quoteWord } from '../std/words.ts'
import { type Flags, overlay, readOptions, warn } from './options.ts'
import { type Format, look, print, write } from './output.ts'
import { commandLines, planScreen, rejections } from './plan-screen.ts'
import { runnable } from './runnable.ts'

/** How a plan is written besides: as a script that runs the engine, or as the variables of its environment. */
export const planFormats = ['table', 'json', 'yaml', 'shell', 'env'] as const

/** A machine that is only imagined is no reason to wait long for the hub. Milliseconds. */
const patienceMs = 20_000

/** Prints the plan; a refusal is a Failure with its exit code. */
export const planCommand = async (
  model: string | undefined,
  extra: readonly string[],
  flags: Flags,
  format: (typeof planFormats)[number],
): Promise<number> => {
  const planned = await planFor(model, extra, flags)
  const { launch } = planned
  if ('kind' in launch) return refuse(launch, format)
  if (format === 'shell') await write(asScript(runnable(launch, planned.found)))
  else if (format === 'env') await write(variables(runnable(launch, planned.found), '', (value) => value))
  else await printPlan({ ...planned, launch }, format)
  return 0
}

/** What was planned and by which options. `blind`: why nothing is known of the weights, where that is so. */
export type Planned = {
  readonly launch: Launch
  readonly request: Request
  readonly options: Options
  readonly inventory?: Inventory
  readonly found?: FoundModel
  readonly blind?: string
}

/** Whoever reads documents gets one: the refusal with every profile and all that stood against it. */
const refuse = async (refusal: Refusal, format: (typeof planFormats)[number]): Promise<number> => {
  if (format !== 'json' && format !== 'yaml') throw failureOf(refusal)
  warn(`aim: ${refusal.message}\n  fix: ${refusal.fix}`)
  await print(format, refusal, () => '')
  return refusal.exitCode
}

/**
 * A plan of a command line; a refusal is a Failure with its exit code. Where GPUs are named (--gpu-model, --gpu-count) that are not here it
 * is the plan for them, made without the weights' facts when the hub does not give them.
 */
export const preparePlan = async (model: string | undefined, extra: readonly string[], flags: Flags): Promise<Planned> => {
  const { launch, ...rest } = await planFor(model, extra, flags)
  if ('kind' in launch) throw failureOf(launch)
  return { launch, ...rest }
}

type PlannedOrRefused = Omit<Planned, 'launch'> & { readonly launch: Launch | Refusal }

const planFor = async (model: string | undefined, extra: readonly string[], flags: Flags): Promise<PlannedOrRefused> => {
  const environment = overlay(model, flags, extra)
  const options = readOptions(environment)
  return { options, ...(await prepareFor(options, environment, warningOnce())) }
}

/** Both ways to a plan read the same environment and find the same in it. */
const warningOnce = (): ((sentence: string) => void) => {
  const told = new Set<string>()
  return (sentence) => {
    if (!told.has(sentence)) warn(sentence)
    told.add(sentence)
  }
}

const prepareFor = async (
  options: Options,
  environment: Environment,
  tell: (sentence: string) => void,
): Promise<Prepared & Pick<Planned, 'blind'>> => {
  const scene = options.gpuModel === 'auto' ? undefined : await setScene(options, environment, tell)
  if (scene?.imagined !== true) return prepare(options, environment, new AbortController().signal, () => undefined, tell)
  tell(`this plan is for ${describeGpus(scene.inventory.gpus)}, which this machine does not have`)
  const rehearsed = await rehearse(scene, options, environment, patienceMs)
  if (rehearsed.found?.unread !== undefined) tell(withoutHeaders(rehearsed.found.unread))
  if (rehearsed.blind !== undefined) tell(`nothing is known about the weights beyond what a recipe says: ${rehearsed.blind}`)
  return { ...rehearsed, request: scene.request, inventory: scene.inventory }
}

const failureOf = ({ message, fix, exitCode, rejected, nearest = [] }: Refusal): Failure =>
  new Failure(
    [
      message,
      ...nearest.map((command) => `  would run: ${command}`),
      ...(rejected.length === 0 ? [] : [`  rejected: ${rejected.length}`, ...rejections(rejected, look().width)]),
    ].join('\n'),
    { exitCode: exitCode as ExitCode, fix },
  )

const printPlan = async (planned: Planned, format: Format): Promise<void> => {
  const fit = fitFor(planned)
  const roofline = rooflineFor(planned, fit)
  const cached = planned.found !== undefined && planned.found.listing === undefined
  await print(format, { ...planned.launch, ...(fit === undefined ? {} : { fit }), ...(roofline === undefined ? {} : { roofline }) }, () =>
    planScreen(planned.launch, fit, roofline, cached, look()),
  )
}

/** Of the card as it is called, whatever the user calls it. */
const rooflineFor = ({ launch: { gpus, model, setup } }: Planned, fit: Fit | undefined): Roofline | undefined =>
  fit === undefined || setup === undefined ? undefined : rooflineOf(gpus[0]?.product, model.facts, setup.tensor, fit)

/** Without facts of the weights, by what the recipe knows of them. */
const fitFor = ({ launch, request, inventory, blind }: Planned): Fit | undefined => {
  const [gpu] = launch.gpus
  if (gpu === undefined || inventory === undefined) return undefined
  return fitOn(launch.profile, questionOf(request, inventory, blind === undefined ? launch.model : undefined), gpu)
}

const variables = ({ engine }: Launch, before: string, quote: (value: string) => string): string =>
  Object.entries(engine.env)
    .map(([name, value]) => `${before}${name}=${quote(value)}`)
    .join('\n')

const asScript = (launch: Launch): string => [variables(launch, 'export ', quoteWord), ...commandLines(launch.engine.argv)].join('\n')
