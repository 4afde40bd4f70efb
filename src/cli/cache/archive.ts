/** Edge: `aim cache export` and `aim cache import`: a revision as a tar stream on stdout or in a file, and back. */
import { createReadStream, createWriteStream } from 'node:fs'
import { resolve } from 'node:path'
import { finished } from 'node:stream/promises'
import { exportRevision, importStream } from '../../cache/archive.ts'
import { holdingsOf } from '../../cache/inventory.ts'
import { cacheDirectory, repoOf, requestOf } from '../../config/rooms.ts'
import { exitCodes } from '../../std/exit-codes.ts'
import { Failure } from '../../std/failure.ts'
import { overlay, readOptions } from '../options.ts'
import { type Format, print } from '../output.ts'

/** Writes a model's revision to a file and says so, or to stdout, which then carries nothing else. */
export const cacheExportCommand = async (
  model: string | undefined,
  { revision, output, format }: { readonly revision?: string; readonly output?: string; readonly format: Format },
): Promise<number> => {
  const options = readOptions(overlay(model, revision === undefined ? {} : { revision }, []))
  const cacheDir = cacheDirectory(options)
  const request = requestOf(options)
  const held = holdingsOf(cacheDir).find(({ repo }) => repo === repoOf(options, request.model))
  const found = held?.revisions.find(({ commit, refs }) => commit === request.revision || refs.includes(request.revision))
  if (held === undefined || found === undefined || found.missing.length > 0)
    throw new Failure(`cannot export ${request.model} at ${request.revision}: ${cacheDir} does not hold all of it`, {
      exitCode: exitCodes.config,
      fix: `aim cache pull ${request.model}`,
    })
  if (output === undefined) {
    await exportRevision(cacheDir, held, found, process.stdout)
    return 0
  }
  const target = createWriteStream(output)
  await exportRevision(cacheDir, held, found, target)
  await finished(target.end())
  const written = { repo: held.repo, commit: found.commit, output: resolve(output), bytes: target.bytesWritten }
  await print(format, written, () => `exported ${written.repo} at ${written.commit} to ${written.output}`)
  return 0
}

/** Reads a stream from a file or stdin into the cache. */
export const cacheImportCommand = async (file: string | undefined, { format }: { readonly format: Format }): Promise<number> => {
  const cacheDir = cacheDirectory(readOptions(overlay(undefined, {}, [])))
  const came = await importStream(cacheDir, file === undefined || file === '-' ? process.stdin : createReadStream(file))
  await print(format, came, () => came.map(({ repo, commit }) => `imported ${repo} at ${commit}`).join('\n'))
  return 0
}
