/** `aim plan`: what serve would do, without doing it. */

import type { Launch } from '../plan/launch.ts'
import type { Refusal } from '../plan/refusal.ts'
import { prepare } from '../serve/prepare.ts'
import { formatBytes } from '../std/bytes.ts'
import type { ExitCode } from '../std/exit-codes.ts'
import { Failure } from '../std/failure.ts'
import { type Flags, overlay, readOptions, warn } from './options.ts'
import { type Format, print } from './output.ts'
import { formatFacts } from './table.ts'

/** Prints the plan; a refusal is a Failure with its exit code. */
export const planCommand = async (model: string | undefined, extra: readonly string[], flags: Flags, format: Format): Promise<number> => {
  const environment = overlay(model, flags, extra)
  const { launch } = await prepare(readOptions(environment), environment, new AbortController().signal, () => undefined, warn)
  if ('kind' in launch) throw new Failure(withRejections(launch), { exitCode: launch.exitCode as ExitCode, fix: launch.fix })
  await print(format, launch, () => show(launch))
  return 0
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
