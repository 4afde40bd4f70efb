/** `aim plan`: what serve would do, without doing it. */

import type { Environment } from '../config/parse.ts'
import type { Options } from '../config/variables.ts'
import type { Launch } from '../plan/launch.ts'
import type { Refusal } from '../plan/refusal.ts'
import { describeGpus } from '../recipes/hard-tests.ts'
import { prepare } from '../serve/prepare.ts'
import { rehearse, setScene } from '../serve/rehearse.ts'
import { formatBytes } from '../std/bytes.ts'
import type { ExitCode } from '../std/exit-codes.ts'
import { Failure } from '../std/failure.ts'
import { type Flags, overlay, readOptions, warn } from './options.ts'
import { type Format, print } from './output.ts'
import { formatFacts } from './table.ts'

/** A machine that is only imagined is no reason to wait long for the hub. Milliseconds. */
const patienceMs = 20_000

/**
 * Prints the plan; a refusal is a Failure with its exit code. Where GPUs are named (--gpu-model, --gpu-count) that are not here it is the
 * plan for them, made without the weights' facts when the hub does not give them.
 */
export const planCommand = async (model: string | undefined, extra: readonly string[], flags: Flags, format: Format): Promise<number> => {
  const environment = overlay(model, flags, extra)
  const launch = await launchFor(readOptions(environment), environment)
  if ('kind' in launch) throw new Failure(withRejections(launch), { exitCode: launch.exitCode as ExitCode, fix: launch.fix })
  await print(format, launch, () => show(launch))
  return 0
}

const launchFor = async (options: Options, environment: Environment): Promise<Launch | Refusal> => {
  const scene = options.gpuModel === 'auto' ? undefined : await setScene(options, environment, warn)
  if (scene?.imagined !== true) return (await prepare(options, environment, new AbortController().signal, () => undefined, warn)).launch
  warn(`this plan is for ${describeGpus(scene.inventory.gpus)}, which this machine does not have`)
  const { launch, blind } = await rehearse(scene, options, environment, patienceMs)
  if (blind !== undefined) warn(`nothing is known about the weights: ${blind}`)
  return launch
}

const withRejections = ({ message, rejected, nearest = [] }: Refusal): string =>
  [
    message,
    ...nearest.map((command) => `  would run: ${command}`),
    ...rejected.map(({ id, reasons }) => `  not ${id}: ${reasons.join('; ')}`),
  ].join('\n')

const show = ({ engine, model, profile, gpus, resources, reasons, rejected }: Launch): string =>
  [
    formatFacts([
      ['model', `${model.id}${model.artifact === undefined ? '' : ` at ${model.artifact.commit.slice(0, 12)}`}`],
      ['profile', `${profile.id} (${profile.type})`],
      [
        'gpus',
        gpus.length === 0
          ? 'none: runs on the CPU'
          : `${gpus.length} (${gpus.map(({ index, product, gfx }) => `${index}: ${product ?? gfx ?? 'unknown'}`).join(', ')})`,
      ],
      ['memory', resources.memoryBytes === undefined ? 'unknown' : formatBytes(resources.memoryBytes)],
      ['download', resources.downloadBytes === undefined ? 'unknown' : formatBytes(resources.downloadBytes)],
      ['command', engine.argv.join(' ')],
      [
        'environment',
        Object.entries(engine.env)
          .map(([name, value]) => `${name}=${value}`)
          .join(' '),
      ],
    ]),
    ...(reasons.length === 0 ? [] : ['', 'why', ...reasons.map((reason) => `  ${reason}`)]),
    ...(rejected.length === 0 ? [] : ['', 'rejected', ...rejected.map(({ id, reasons: why }) => `  ${id}: ${why.join('; ')}`)]),
  ].join('\n')
