/** `aim cache ls` and `aim cache path`: what the cache holds, and where. */
import { compiledIn } from '../../cache/compiled.ts'
import type { CompiledArchive } from '../../cache/compiled-names.ts'
import { type HeldRepo, holdingsOf } from '../../cache/inventory.ts'
import { locate } from '../../cache/locate.ts'
import { cacheName, readModelName } from '../../cache/model-name.ts'
import { cacheDirectory, compiledDirectory, repoOf, requestOf } from '../../config/rooms.ts'
import { formatBytes } from '../../std/bytes.ts'
import { exitCodes } from '../../std/exit-codes.ts'
import { Failure } from '../../std/failure.ts'
import { overlay, readOptions } from '../options.ts'
import { type Format, print } from '../output.ts'
import { formatTable } from '../table.ts'

const day = (ms: number): string => new Date(ms).toISOString().slice(0, 10)

const rowsOf = ({ repo, revisions, parts }: HeldRepo): readonly (readonly string[])[] => [
  ...revisions.map(({ commit, refs, files, bytes, missing, usedMs }) => [
    repo,
    commit.slice(0, 12),
    refs.join(' ') || '-',
    String(files),
    formatBytes(bytes),
    day(usedMs),
    missing.length === 0 ? 'whole' : `lacks ${missing[0]}${missing.length > 1 ? ` and ${missing.length - 1} more` : ''}`,
  ]),
  ...(parts > 0 ? [[repo, '-', '-', '-', formatBytes(parts), '-', 'unfinished download']] : []),
]

const compiledRow = ({ place, model, bytes, usedMs }: CompiledArchive): readonly string[] => [
  model.replace('--', '/'),
  '-',
  '-',
  '1',
  formatBytes(bytes),
  day(usedMs),
  `compiled by ${place}`,
]

/** Lists every revision, and what engines compiled. */
export const cacheListCommand = async (model: string | undefined, { format }: { readonly format: Format }): Promise<number> => {
  const options = readOptions(overlay(undefined, {}, []))
  const cacheDir = cacheDirectory(options)
  const named = model === undefined ? undefined : readModelName(model)
  const held = holdingsOf(cacheDir).filter(({ repo }) => named === undefined || repo === cacheName(named))
  const compiled = compiledIn(compiledDirectory(options)).filter(
    (one) => named === undefined || one.model === named.name.replaceAll('/', '--'),
  )
  const bytes = [...held.map((one) => one.bytes + one.parts), ...compiled.map((one) => one.bytes)].reduce((sum, one) => sum + one, 0)
  const models = held.map(({ repo, bytes: own, parts, revisions }) => ({
    repo,
    bytes: own,
    parts,
    revisions: revisions.map(({ etags: _, usedMs, ...revision }) => ({ ...revision, used: new Date(usedMs).toISOString() })),
  }))
  const archives = compiled.map(({ usedMs, digest: _, ...archive }) => ({ ...archive, used: new Date(usedMs).toISOString() }))
  await print(format, { cache: cacheDir, bytes, models, compiled: archives }, () =>
    held.length + compiled.length === 0
      ? `${cacheDir} holds no ${model ?? 'model'}`
      : `${formatTable(['MODEL', 'COMMIT', 'REFS', 'FILES', 'SIZE', 'USED', 'STATE'], [...held.flatMap(rowsOf), ...compiled.map(compiledRow)])}\n\n${formatBytes(bytes)} in ${cacheDir}`,
  )
  return 0
}

/** Prints the snapshot's directory when it is whole, for scripts; a Failure (78) says what is missing. */
export const cachePathCommand = async (
  model: string | undefined,
  { format, revision }: { readonly format: Format; readonly revision?: string },
): Promise<number> => {
  const options = readOptions(overlay(model, revision === undefined ? {} : { revision }, []))
  const cacheDir = cacheDirectory(options)
  const request = requestOf(options)
  const snapshot = request.model.startsWith('/') ? undefined : locate(cacheDir, repoOf(options, request.model), request.revision)
  if (snapshot === undefined || snapshot.missing.length > 0)
    throw new Failure(
      `cannot give a path: ${cacheDir} ${snapshot === undefined ? 'does not hold' : `lacks ${snapshot.missing.slice(0, 3).join(', ')} of`} ${request.model} at ${request.revision}`,
      {
        exitCode: exitCodes.config,
        fix: `aim cache pull ${request.model}`,
      },
    )
  await print(format, snapshot, () => snapshot.path)
  return 0
}
