/** `aim plan`: what serve would do, without doing it. */

import type { Options } from '../config/variables.ts'
import type { Fit } from '../model/fit.ts'
import type { Launch } from '../plan/launch.ts'
import { questionOf } from '../plan/question.ts'
import type { Refusal } from '../plan/refusal.ts'
import { fitOn } from '../recipes/memory.ts'
import { type Prepared, prepare } from '../serve/prepare.ts'
import type { ExitCode } from '../std/exit-codes.ts'
import { Failure } from '../std/failure.ts'
import { quoteWord } from '../std/words.ts'
import { type Flags, overlay, readOptions, warn } from './options.ts'
import { type Format, look, print, write } from './output.ts'
import { commandLines, planScreen } from './plan-screen.ts'

/** How a plan is written besides: as a script that runs the engine, or as the variables of its environment. */
export const planFormats = ['table', 'json', 'yaml', 'shell', 'env'] as const

/** Prints the plan; a refusal is a Failure with its exit code. */
export const planCommand = async (
  model: string | undefined,
  extra: readonly string[],
  flags: Flags,
  format: (typeof planFormats)[number],
): Promise<number> => {
  const prepared = await preparePlan(model, extra, flags)
  const { launch } = prepared
  if (format === 'shell') await write(asScript(launch))
  else if (format === 'env') await write(variables(launch, '', (value) => value))
  else await printPlan(prepared, format)
  return 0
}

/** What was planned, and by which options. */
export type Planned = Prepared & { readonly launch: Launch; readonly options: Options }

/** A plan of a command line; a refusal is a Failure with its exit code. */
export const preparePlan = async (model: string | undefined, extra: readonly string[], flags: Flags): Promise<Planned> => {
  const environment = overlay(model, flags, extra)
  const options = readOptions(environment)
  const { launch, ...rest } = await prepare(options, environment, new AbortController().signal, () => undefined, warn)
  if ('kind' in launch) throw new Failure(withRejections(launch), { exitCode: launch.exitCode as ExitCode, fix: launch.fix })
  return { launch, options, ...rest }
}

const withRejections = ({ message, rejected, nearest = [] }: Refusal): string =>
  [
    message,
    ...nearest.map((command) => `  would run: ${command}`),
    ...rejected.map(({ id, reasons }) => `  not ${id}: ${reasons.join('; ')}`),
  ].join('\n')

const printPlan = async (prepared: Planned, format: Format): Promise<void> => {
  const fit = fitFor(prepared)
  await print(format, { ...prepared.launch, ...(fit === undefined ? {} : { fit }) }, () =>
    planScreen(prepared.launch, fit, prepared.found?.listing === undefined, look()),
  )
}

const fitFor = ({ launch, request, inventory }: Planned): Fit | undefined => {
  const [gpu] = launch.gpus
  return gpu === undefined || inventory === undefined ? undefined : fitOn(launch.profile, questionOf(request, inventory, launch.model), gpu)
}

const variables = ({ engine }: Launch, before: string, quote: (value: string) => string): string =>
  Object.entries(engine.env)
    .map(([name, value]) => `${before}${name}=${quote(value)}`)
    .join('\n')

const asScript = (launch: Launch): string => [variables(launch, 'export ', quoteWord), ...commandLines(launch.engine.argv)].join('\n')
