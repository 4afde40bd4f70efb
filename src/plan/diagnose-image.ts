import { minorOf } from '../model/engine-version.ts'
import { formatBytes } from '../std/bytes.ts'
import { exitCodes } from '../std/exit-codes.ts'
import { type Finding, type Fix, fatal, odd } from './finding.ts'
import type { CacheSymptoms, EngineSymptoms, ModelSymptoms } from './symptoms.ts'

/** The weights of 8e9 parameters at 2 bytes each, the size of the usual small model. */
const smallModelBytes = 16e9

/** Files of a model and what the cache keeps of it, with room: hubs hold some with more than a hundred shards. */
const fewFiles = 1000

/** How to have the cache on a volume. */
const mountFor = (path: string): Fix => ({
  docker: `-v /large/disk:${path}`,
  compose: `volumes: ["/large/disk:${path}"]`,
  kubernetes: `a volumeMount at ${path} of a persistent volume, with securityContext.fsGroup so that our user may write`,
})

/** What is wrong with where the model cache lies; with a model, whether what is still missing of it has room. */
export const diagnoseCache = (cache: CacheSymptoms, model: ModelSymptoms | undefined): readonly Finding[] => {
  const { path, error, lacking, hardLinks } = cache
  const mount = mountFor(path)
  if (error !== undefined)
    return [fatal(exitCodes.storage, `the model cache ${path} cannot be written (${error})`, 'no model can be fetched into it', mount)]
  return [
    ...(lacking.length === 0
      ? []
      : [fatal(exitCodes.storage, `the file system of ${path} cannot ${lacking.join(' and ')}`, 'a cache there would break', mount)]),
    ...(hardLinks
      ? []
      : [odd(`the file system of ${path} has no hard links`, 'pulls that share it take their turns by another way', mount)]),
    ...room(cache, model, mount),
    ...files(cache, model, mount),
    ...kind(cache, mount),
  ]
}

const room = ({ path, freeBytes }: CacheSymptoms, model: ModelSymptoms | undefined, mount: Fix): readonly Finding[] => {
  if (freeBytes === undefined) return []
  const needed = model?.downloadBytes
  if (needed !== undefined && model !== undefined) {
    const what = `${path} has ${formatBytes(freeBytes)} free, and ${formatBytes(needed)} of ${model.id} have to be fetched`
    return needed <= freeBytes ? [] : [fatal(exitCodes.storage, what, 'the pull ends with a full disk', mount)]
  }
  // A model that lies there already needs no more room.
  return freeBytes >= smallModelBytes || model?.weightsBytes !== undefined
    ? []
    : [odd(`${path} has ${formatBytes(freeBytes)} free`, 'a model of 8B parameters in bf16 alone has 16 GB', mount)]
}

const files = ({ path, freeFiles }: CacheSymptoms, model: ModelSymptoms | undefined, mount: Fix): readonly Finding[] =>
  freeFiles === undefined || freeFiles >= Math.max(fewFiles, 3 * (model?.downloadFiles ?? 0))
    ? []
    : [
        odd(
          `the file system of ${path} has ${freeFiles} inodes free`,
          'a file of a model is a blob, a link and a lock: "disk full" with bytes free',
          mount,
        ),
      ]

const kind = ({ path, fileSystem }: CacheSymptoms, mount: Fix): readonly Finding[] => {
  if (fileSystem === 'overlay')
    return [
      odd(
        `${path} is in the container's own layer (overlay)`,
        'it goes with the container, and each new one fetches its model again',
        mount,
      ),
    ]
  if (fileSystem === 'tmpfs' || fileSystem === 'ramfs')
    return [
      odd(
        `${path} is memory (${fileSystem})`,
        "a model in it counts against the container's memory limit, and a restart of the node loses it",
        mount,
      ),
    ]
  return []
}

/** What is wrong with the engine and what it needs of the image. */
export const diagnoseEngine = ({ command, file, version, flagsVersion, libatomic }: EngineSymptoms): readonly Finding[] => [
  ...(file === undefined
    ? [
        fatal(
          exitCodes.unavailable,
          `the engine ${command} is no program that PATH leads to`,
          'there is nothing to serve with',
          'use an image that has it, or name the program by AIM_ENGINE_COMMAND',
        ),
      ]
    : []),
  ...(version !== undefined && flagsVersion !== undefined && minorOf(version) !== minorOf(flagsVersion)
    ? [
        odd(
          `the engine is ${version}, and its arguments are held against those of ${flagsVersion}`,
          'an argument that only one of them knows is refused, or passed on to an engine that ends at it',
          'run engine-flags.py by the Python of the engine and name its output by AIM_ENGINE_FLAGS, or build the image anew',
        ),
      ]
    : []),
  ...(libatomic === false
    ? [
        odd(
          'libatomic.so.1 is not in this image',
          'Node and kernels that are compiled at the start of an engine load it, and end with "cannot open shared object file"',
          'add the package libatomic1 (Debian, Ubuntu) or libatomic (RHEL) to the image',
        ),
      ]
    : []),
]
