/** `aim cache prune`: makes room, and never takes what a live lease uses. */
import { compiledIn } from '../../cache/compiled.ts'
import type { CompiledArchive } from '../../cache/compiled-names.ts'
import { holdingsOf } from '../../cache/inventory.ts'
import { cacheName, readModelName } from '../../cache/model-name.ts'
import { type Pruned, prune, pruneCompiled } from '../../cache/prune.ts'
import { cacheDirectory, compiledDirectory } from '../../config/rooms.ts'
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

const sum = (sizes: readonly { readonly bytes: number }[]): number => sizes.reduce((bytes, one) => bytes + one.bytes, 0)

const show = (
  { removals, spared, leftovers, compiled }: Pruned & { readonly compiled: readonly CompiledArchive[] },
  dry: boolean,
): string => {
  const did = dry ? 'would remove' : 'removed'
  const bytes = removals.reduce((freed, { freedBytes }) => freed + freedBytes, 0) + sum(leftovers) + sum(compiled)
  return [
    ...removals.map(
      ({ repo, commit, because, freedBytes }) => `${did} ${repo} ${commit.slice(0, 12)}: ${because} (${formatBytes(freedBytes)})`,
    ),
    ...leftovers.map(({ repo, name, bytes: own }) => `${did} ${repo} ${name.slice(0, 40)}: nothing needs it (${formatBytes(own)})`),
    ...compiled.map(({ place, model, bytes: own }) => `${did} the compile cache of ${model} in ${place} (${formatBytes(own)})`),
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
  const options = readOptions(overlay(undefined, {}, []))
  const [cacheDir, directory] = [cacheDirectory(options), compiledDirectory(options)]
  const age = olderThanMs === undefined ? {} : { olderThanMs }
  // Compile caches go before models: they are made again in minutes. Whoever names a model or a revision means no more than that.
  const named = model !== undefined || revision !== undefined
  const room = maxBytes === undefined ? {} : { maxBytes: maxBytes - sum(holdingsOf(cacheDir)) }
  const compiled = named ? [] : await pruneCompiled(directory, { ...age, ...room }, dryRun)
  const retention = {
    ...age,
    ...(maxBytes === undefined ? {} : { maxBytes: maxBytes - sum(compiledIn(directory)) + (dryRun ? sum(compiled) : 0) }),
    ...(revision === undefined ? {} : { revision }),
    ...(model === undefined ? {} : { repo: cacheName(readModelName(model)) }),
  }
  const pruned = { ...(await prune(cacheDir, retention, dryRun)), compiled }
  await print(format, pruned, () => show(pruned, dryRun))
  return 0
}
