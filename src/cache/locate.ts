import { type Dirent, readdirSync, readFileSync, type Stats, statSync } from 'node:fs'
import { join } from 'node:path'
import { exitCodes } from '../std/exit-codes.ts'
import { Failure } from '../std/failure.ts'
import { isRecord } from '../std/json.ts'
import { parsePythonJson } from '../std/python-json.ts'
import { parseManifest, parseTree } from './manifest.ts'
import { isCommit, manifestPath, refPath, snapshotPath, treePath } from './paths.ts'
import { matcher } from './patterns.ts'
import type { Snapshot } from './types.ts'

// What cannot be read is as good as absent here: a pull that follows says why, with the right exit code.
const attempt = <T>(read: () => T): T | undefined => {
  try {
    return read()
  } catch {
    return undefined
  }
}

const readText = (path: string): string | undefined => attempt(() => readFileSync(path, 'utf8'))
const statOf = (path: string): Stats | undefined => attempt(() => statSync(path, { throwIfNoEntry: false }))

type Entry = { readonly path: string; readonly stats: Stats | undefined }

const entriesBelow = (root: string, prefix = ''): readonly Entry[] =>
  (attempt(() => readdirSync(join(root, prefix), { withFileTypes: true })) ?? []).flatMap((entry: Dirent) => {
    const path = prefix === '' ? entry.name : `${prefix}/${entry.name}`
    if (entry.isDirectory()) return entry.name.startsWith('.') ? [] : entriesBelow(root, path)
    return [{ path, stats: statOf(join(root, path)) }]
  })

const weights = /\.(?:safetensors|bin|pt|pth|gguf|npz|msgpack|onnx|h5|nemo)$/

const indexed = (root: string, index: string): readonly string[] => {
  const value = attempt(() => JSON.parse(readFileSync(join(root, index), 'utf8')) as unknown)
  const map = isRecord(value) ? value.weight_map : undefined
  const directory = index.slice(0, index.lastIndexOf('/') + 1)
  return isRecord(map) ? [...new Set(Object.values(map).map((name) => `${directory}${String(name)}`))] : []
}

/**
 * Without a listing only some absences show: links that lead nowhere, shards that an index names, and weights when there are none at
 * all (an interrupted download of a single-file model leaves just that), which are then called `*.safetensors`.
 */
const missingByLooks = (root: string, entries: readonly Entry[]): readonly string[] => {
  const names = new Set(entries.filter(({ stats }) => stats?.isFile()).map(({ path }) => path))
  const dangling = entries.filter(({ stats }) => stats === undefined).map(({ path }) => path)
  const shards = [...names].filter((name) => name.endsWith('.safetensors.index.json')).flatMap((name) => indexed(root, name))
  const absent = [...dangling, ...shards.filter((name) => !names.has(name))]
  const weightless = names.has('config.json') && ![...names, ...absent].some((name) => weights.test(name))
  return [...new Set(weightless ? [...absent, '*.safetensors'] : absent)].sort()
}

type Wanted = { readonly files: readonly { readonly path: string; readonly bytes: number }[]; readonly patterns: readonly string[] }

const missingByList = (root: string, { files, patterns }: Wanted): readonly string[] => {
  const matches = matcher(patterns)
  const isThere = ({ path, bytes }: { readonly path: string; readonly bytes: number }): boolean => {
    const stats = statOf(join(root, path))
    return stats?.isFile() === true && stats.size === bytes
  }
  return files.filter((file) => matches(file.path) && !isThere(file)).map(({ path }) => path)
}

const listed = (cacheDir: string, repo: string, commit: string, patterns: readonly string[] | undefined): Wanted | undefined => {
  const manifest = parseManifest(readText(manifestPath(cacheDir, repo, commit)) ?? '')
  if (manifest !== undefined) return { files: manifest.files, patterns: patterns ?? manifest.patterns }
  const files = parseTree(readText(treePath(cacheDir, repo, commit)) ?? '')
  return files && { files, patterns: patterns ?? [] }
}

const commitOf = (cacheDir: string, repo: string, revision: string): string | undefined => {
  const commit = isCommit(revision) ? revision : readText(refPath(cacheDir, repo, revision))?.trim()
  return commit !== undefined && isCommit(commit) ? commit : undefined
}

/**
 * Finds a snapshot without asking anybody; undefined when the cache knows no such revision. `cacheDir` is absolute. Whole
 * means that every file listed in our manifest, else in huggingface_hub's listing of the commit, is there in its size; without either,
 * that nothing is seen to be missing. `patterns` are those of the files needed; left out, those that the pulls so far asked for.
 * Throws a Failure (78) for an impossible repository id or revision. Checks no content.
 */
export const locate = (cacheDir: string, repo: string, revision: string, patterns?: readonly string[]): Snapshot | undefined => {
  const commit = commitOf(cacheDir, repo, revision)
  if (commit === undefined) return undefined
  const path = snapshotPath(cacheDir, repo, commit)
  const wanted = listed(cacheDir, repo, commit, patterns)
  if (wanted !== undefined && statOf(path)?.isDirectory()) return { repo, commit, path, missing: missingByList(path, wanted) }
  const entries = entriesBelow(path)
  if (entries.length === 0) return undefined
  const matches = matcher(patterns ?? [])
  return { repo, commit, path, missing: missingByLooks(path, entries).filter((name) => matches(name.replace('*', 'model'))) }
}

/** What a model directory that nobody listed is seen to lack: targets of its links, shards that an index names, all weights. */
export const missingIn = (path: string): readonly string[] => missingByLooks(path, entriesBelow(path))

/** The files of a snapshot or model directory with their sizes in bytes, by name. Hidden directories and links that lead nowhere are left out. */
export const snapshotFiles = (path: string): readonly { readonly path: string; readonly bytes: number }[] =>
  entriesBelow(path)
    .flatMap(({ path: name, stats }) => (stats?.isFile() ? [{ path: name, bytes: stats.size }] : []))
    .sort((a, b) => (a.path < b.path ? -1 : 1))

const unreadable = (path: string, because: string, fix: string, cause?: unknown): Failure =>
  new Failure(`cannot read the model's config.json in ${path}: ${because}`, { exitCode: exitCodes.config, fix, cause })

const absent = (path: string): Failure =>
  readText(join(path, 'adapter_config.json')) === undefined
    ? unreadable(path, 'it is absent or cannot be opened', 'name a directory in the layout of transformers')
    : unreadable(
        path,
        'what lies there is an adapter by its adapter_config.json, and no model',
        `name the model that it was made for, with AIM_ENGINE_ARGS='{"enable-lora": true, "lora-modules": ["name=${path}"]}'`,
      )

/** config.json of a snapshot or model directory, or the file itself where `path` ends in .json. Throws a Failure (78) when it is absent, unreadable, or no JSON object. */
export const readModelConfig = (path: string): Record<string, unknown> => {
  const text = readText(path.endsWith('.json') ? path : join(path, 'config.json'))
  if (text === undefined) throw absent(path)
  const value = attempt(() => parsePythonJson(text))
  if (!isRecord(value)) throw unreadable(path, 'it is not a JSON object', 'fetch the file again, or mend it')
  return value
}
