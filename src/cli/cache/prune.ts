/** `aim cache prune`: makes room, and never takes what a live lease uses. */
import { type Pruned, prune } from '../../cache/prune.ts'
import { cacheDirectory } from '../../config/rooms.ts'
import { formatBytes, parseBytes } from '../../std/bytes.ts'
import { parseDuration } from '../../std/duration.ts'
import { exitCodes } from '../../std/exit-codes.ts'
import { Failure } from '../../std/failure.ts'
import { overlay, readOptions } from '../options.ts'
import { type Format, print } from '../output.ts'

/** The options of the command. */
export type PruneOptions = {
  readonly olderThan?: string
  readonly maxSize?: string
  readonly revision?: string
  readonly dryRun?: boolean
  readonly format: Format
}

const read = <T>(option: string, text: string | undefined, parse: (text: string) => T | undefined, example: string): T | undefined => {
  const value = text === undefined ? undefined : parse(text)
  if (text !== undefined && value === undefined)
    throw new Failure(`cannot read ${option} ${text}`, { exitCode: exitCodes.usage, fix: `give it as ${example}` })
  return value
}

const show = ({ removals, spared, leftovers }: Pruned, dry: boolean): string => {
  const did = dry ? 'would remove' : 'removed'
  const bytes = [...removals.map(({ freedBytes }) => freedBytes), ...leftovers.map((one) => one.bytes)].reduce((sum, one) => sum + one, 0)
  return [
    ...removals.map(
      ({ repo, commit, because, freedBytes }) => `${did} ${repo} ${commit.slice(0, 12)}: ${because} (${formatBytes(freedBytes)})`,
    ),
    ...leftovers.map(({ repo, name, bytes: own }) => `${did} ${repo} ${name.slice(0, 40)}: nothing needs it (${formatBytes(own)})`),
    ...spared.map(({ repo, commit, because }) => `kept ${repo} ${commit.slice(0, 12)}: ${because}`),
    `${formatBytes(bytes)} ${dry ? 'would be' : 'are'} free`,
  ].join('\n')
}

/** Prunes by age, size and revision, and in any case what no snapshot needs. */
export const cachePruneCommand = async (
  model: string | undefined,
  { olderThan, maxSize, revision, dryRun = false, format }: PruneOptions,
): Promise<number> => {
  const olderThanMs = read('--older-than', olderThan, parseDuration, '30d or 12h')
  const maxBytes = read('--max-size', maxSize, parseBytes, '500GiB')
  const retention = {
    ...(olderThanMs === undefined ? {} : { olderThanMs }),
    ...(maxBytes === undefined ? {} : { maxBytes }),
    ...(revision === undefined ? {} : { revision }),
    ...(model === undefined ? {} : { repo: model }),
  }
  const pruned = await prune(cacheDirectory(readOptions(overlay(undefined, {}, []))), retention, dryRun)
  await print(format, pruned, () => show(pruned, dryRun))
  return 0
}
