/** `aim cache pull`: fills the cache, on any machine. */
import type { Listing, Snapshot } from '../../cache/types.ts'
import { cacheDirectory, hubOf, requestOf } from '../../config/rooms.ts'
import type { Options } from '../../config/variables.ts'
import { findModel } from '../../serve/model.ts'
import { modelQuestion } from '../../serve/prepare.ts'
import { onInterrupt } from '../../serve/signals.ts'
import { runWorker } from '../../serve/worker.ts'
import { exitCodes } from '../../std/exit-codes.ts'
import { Failure } from '../../std/failure.ts'
import { overlay, readOptions } from '../options.ts'
import { type Format, print } from '../output.ts'
import { showProgress } from './progress.ts'

/** The options of the command. */
export type PullOptions = {
  readonly revision?: string
  readonly include?: readonly string[]
  readonly format: Format
  readonly quiet?: boolean
}

const fetchListed = async (options: Options, listing: Listing, patterns: readonly string[], signal: AbortSignal): Promise<Snapshot> => {
  const request = { kind: 'pull', hub: hubOf(options), listing, patterns, cacheDir: cacheDirectory(options) } as const
  const progress = showProgress(listing.repo)
  try {
    const { snapshot } = await runWorker(request, 'pulled', signal, (message) => {
      if (message.kind === 'progress') progress.show(message.progress.bytesDone, message.progress.bytes)
    })
    return snapshot
  } finally {
    progress.end()
  }
}

/** Pulls a model, or the one that the environment names, and prints where it lies. */
export const cachePullCommand = async (
  model: string | undefined,
  { revision, include = [], format, quiet = false }: PullOptions,
): Promise<number> => {
  const options = readOptions(overlay(model, revision === undefined ? {} : { revision }, []))
  const request = requestOf(options)
  const signal = onInterrupt()
  const found = await findModel({ ...modelQuestion(options, request, request.model, signal), headless: true, patterns: include }).catch(
    (error: unknown) => Promise.reject(interrupted(signal, request.model) ?? error),
  )
  const { listing, source } = found
  const snapshot =
    listing === undefined
      ? undefined
      : await fetchListed(options, listing, include, signal).catch((error: unknown) =>
          Promise.reject(interrupted(signal, request.model) ?? error),
        )
  const answer = {
    model: request.model,
    commit: snapshot?.commit ?? source.artifact?.commit,
    path: snapshot?.path ?? source.path,
    fetched: snapshot !== undefined,
  }
  if (!quiet) await print(format, answer, () => answer.path)
  return 0
}

const interrupted = (signal: AbortSignal, model: string): Failure | undefined =>
  signal.aborted
    ? new Failure(`pulling ${model} was interrupted`, { exitCode: exitCodes.temporary, fix: 'pull again: it goes on where it stopped' })
    : undefined
