/** From what a person names on a command line to a model's config.json and files: a file, a directory, or a repository. */
import { isAbsolute, resolve } from 'node:path'
import { keptHeaders } from '../cache/headers.ts'
import { locate, readModelConfig, snapshotFiles } from '../cache/locate.ts'
import { cacheName, readModelName } from '../cache/model-name.ts'
import type { Headers } from '../cache/shards.ts'
import { cacheDirectory, hubOf } from '../config/rooms.ts'
import type { Options } from '../config/variables.ts'
import type { WeightFile } from '../model/weights.ts'
import { factsFor } from '../recipes/memory.ts'
import { exitCodes } from '../std/exit-codes.ts'
import { Failure } from '../std/failure.ts'
import type { StoredTensor } from '../std/safetensors.ts'
import { headersIn } from './model.ts'
import { loadRecipes } from './recipes.ts'
import { runWorker } from './worker.ts'

/**
 * What was found, and where: `config` is absent where only a recipe knows the model, and then `files` are what it says they take. `unread`
 * says why the weights' headers are not known, as a sentence.
 */
export type ModelFiles = Headers<StoredTensor> & { readonly config?: unknown; readonly files: readonly WeightFile[]; readonly from: string }

/** Finds it: what looks like a path is one; a repository is looked for in the cache, on the hub, in the recipes. */
export const modelFiles = async (name: string, options: Options, signal: AbortSignal): Promise<ModelFiles> => {
  if (name.startsWith('file://')) return modelFiles(readModelName(name).name, options, signal)
  if (isAbsolute(name) || name.startsWith('.') || name.endsWith('.json')) {
    const path = resolve(name)
    return path.endsWith('.json') ? { config: readModelConfig(path), files: [], from: path } : filesAt(path, path)
  }
  const cached = inCache(cacheName(readModelName(name)), options)
  if (cached !== undefined) return cached
  try {
    return await onHub(name, options, signal)
  } catch (error) {
    const known = await inRecipes(name, options)
    if (known === undefined) throw error
    return known
  }
}

const filesAt = (path: string, from: string): ModelFiles => {
  const [config, files] = [readModelConfig(path), snapshotFiles(path)]
  return { config, files, from, ...headersIn(path, config, files) }
}

const inCache = (repo: string, options: Options): ModelFiles | undefined => {
  const snapshot = locate(cacheDirectory(options), repo, options.revision)
  if (snapshot === undefined) return undefined
  const files = snapshotFiles(snapshot.path)
  if (!files.some(({ path }) => path === 'config.json')) return undefined
  // The sizes of a snapshot that is not whole would be those of a smaller model.
  if (snapshot.missing.length > 0) return { config: readModelConfig(snapshot.path), files: [], from: 'the cache' }
  const tensors = keptHeaders(cacheDirectory(options), repo, snapshot.commit)
  return tensors === undefined
    ? filesAt(snapshot.path, 'the cache')
    : { config: readModelConfig(snapshot.path), files, tensors, from: 'the cache' }
}

const onHub = async (name: string, options: Options, signal: AbortSignal): Promise<ModelFiles> => {
  if (options.hubOffline) throw notHere(name)
  const asked = { kind: 'describe', hub: hubOf(options, name), repo: cacheName(readModelName(name)), revision: options.revision } as const
  const { listing, config, headers } = await runWorker(asked, 'described', signal, () => undefined)
  return { config, files: listing.files, from: 'the hub', ...headers }
}

const inRecipes = async (name: string, options: Options): Promise<ModelFiles | undefined> => {
  const repo = readModelName(name).name
  const profiles = await loadRecipes(options.recipesPath, options.strict, undefined, repo)
  const profile = profiles.find(({ model, checkpoint }) => [model, checkpoint].includes(repo))
  const bytes = profile === undefined ? undefined : factsFor(profile, { ...nobody, model: repo })?.weightsBytes
  return bytes === undefined ? undefined : { files: [{ path: 'model.safetensors', bytes }], from: 'its recipe' }
}

const nobody = { engine: 'vllm', gpus: [], count: 'auto', allowGeneral: true } as const

const notHere = (repo: string): Failure =>
  new Failure(`cannot tell what ${repo} is: it is not in the cache, no recipe knows it, and HF_HUB_OFFLINE forbids asking the hub`, {
    exitCode: exitCodes.config,
    fix: 'name its config.json or directory instead, or unset HF_HUB_OFFLINE',
  })
