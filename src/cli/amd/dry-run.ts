/** `aim dry-run`: the selected profile in the shapes of AMD's runtime, which its operator's discovery reads from a pod's log. */
import type { Launch } from '../../plan/launch.ts'
import { describeRefusal, isRefusal, type Refusal } from '../../plan/refusal.ts'
import { repositoryOf } from '../../recipes/hard-tests.ts'
import type { FoundModel } from '../../serve/model.ts'
import { downloadSize, rehearse, setScene } from '../../serve/rehearse.ts'
import type { ExitCode } from '../../std/exit-codes.ts'
import { describeError, exitCodeOfError, Failure } from '../../std/failure.ts'
import type { Json } from '../../std/json.ts'
import { quoteWord } from '../../std/words.ts'
import { overlay, readOptions, warn, warnerFor } from '../options.ts'
import { write, yamlOf } from '../output.ts'
import { runnable } from '../runnable.ts'
import { documentOf } from './document.ts'

/** The formats of AMD's command. */
export const dryRunFormats = ['yaml', 'json'] as const

/** A discovery pod waits for us; without the size of the model it goes on all the same. Milliseconds. */
const patienceMs = 20_000

/**
 * Prints the selected profile. JSON is a list of one element, the winner; without one it is `[]`, with our exit code, or 0 as AMD has it under
 * AIM_STRICT=false unless the variables themselves are wrong. Nothing is printed after the list, because the operator looks for its last bracket.
 */
export const dryRunCommand = async (format: (typeof dryRunFormats)[number]): Promise<number> => {
  let isLenient = false
  try {
    const environment = overlay(undefined, {}, [])
    const options = readOptions(environment)
    isLenient = !options.strict
    const tell = warnerFor(options)
    const scene = await setScene(options, environment, tell)
    const { launch, found, blind } = await rehearse(scene, options, environment, patienceMs)
    if (isRefusal(launch)) throw new Failure(describeRefusal(launch as Refusal), { exitCode: (launch as Refusal).exitCode as ExitCode })
    if (blind !== undefined) tell(`nothing is known about the weights: ${blind}`)
    await write(format === 'json' ? jsonOf(launch as Launch, found) : await textOf(runnable(launch as Launch, found)))
    return 0
  } catch (error) {
    if (format === 'yaml' || !(error instanceof Failure)) throw error
    warn(describeError(error))
    await write('[]')
    return isLenient ? 0 : exitCodeOfError(error)
  }
}

const jsonOf = ({ profile, model, gpus }: Launch, found: FoundModel | undefined): string => {
  const { filename, document } = documentOf(profile, gpus[0]?.product)
  const name = repositoryOf(profile, model.id)
  const bytes = found === undefined ? undefined : downloadSize(found)
  const models = [{ name, source: `hf://${name}`, size_gb: bytes === undefined ? null : Math.round((bytes / 2 ** 30) * 100) / 100 }]
  return JSON.stringify([{ filename, profile: document, models }], undefined, 2)
}

const rule = '='.repeat(80)

const textOf = async ({ profile, gpus, engine }: Launch): Promise<string> =>
  [
    ...[rule, 'SELECTED PROFILE', rule, `Path: ${profile.source}`, ''],
    await yamlOf(documentOf(profile, gpus[0]?.product).document as Json),
    ...['', rule, 'GENERATED SCRIPT', rule, ''],
    script(engine),
  ].join('\n')

const script = ({ argv, env }: Launch['engine']): string =>
  [
    ...['#!/bin/bash', 'set -e', ''],
    ...Object.entries(env).map(([name, value]) => `export ${name}=${quoteWord(value)}`),
    ...['', `echo '>>> Executing AIM Runtime Command...'`, `exec ${argv.map(quoteWord).join(' ')}`],
  ].join('\n')
