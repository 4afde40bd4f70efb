/** Edge: gathers what a diagnosis is made of, without changing anything but a probe in the cache's volume that it takes away again. */
import { accessSync, constants, existsSync, readdirSync, realpathSync, statSync } from 'node:fs'
import { statfs } from 'node:fs/promises'
import { delimiter, dirname, join } from 'node:path'
import { probeVolume } from '../cache/space.ts'
import { type Environment, parse } from '../config/parse.ts'
import { cacheDirectory } from '../config/rooms.ts'
import type { Options } from '../config/variables.ts'
import type { FileSystem, PatientFiles } from '../hardware/file-system.ts'
import { readHolders, readKfdHolders } from '../hardware/holders.ts'
import type { Inventory } from '../hardware/inventory.ts'
import { machineFileSystem } from '../hardware/machine.ts'
import { mountOf } from '../hardware/mounts.ts'
import { patientFiles } from '../hardware/patient-files.ts'
import type { CacheSymptoms, Device, EngineSymptoms, Process, Symptoms } from '../plan/symptoms.ts'
import { flagRules } from './flags.ts'
import { machineOf } from './machine.ts'
import { modelSymptoms } from './model-symptoms.ts'
import { readSecretFile } from './secret-file.ts'

/**
 * The symptoms of this machine, or of a captured tree: then without what is not in it, the cache, the engine, the way to the hub. With a
 * model named in the options, what it needs.
 */
export const gatherSymptoms = async (environment: Environment): Promise<Symptoms> => {
  const { options, problems } = parse(environment, readSecretFile)
  const fs = machineFileSystem(options.sysfsRoot)
  const limits = fs.readText('/proc/self/limits')
  const inventory = await machineOf(options, environment)
  const onCpu = options.gpuCount === 0 || options.engine === 'simulator'
  const files = patientFiles(options.sysfsRoot)
  const isValid = problems.every(({ severity }) => severity !== 'problem')
  return {
    inventory,
    devices: devicesOf(fs),
    holders: await readKfdHolders(files),
    ...(limits.ok && { limits: limits.value }),
    problems,
    onCpu,
    ...(options.sysfsRoot === '/' && {
      clockMs: Date.now(),
      processes: await processesOf(files, inventory),
      ...(inventory.gpus.length > 0 && !onCpu && (await kfdSymptoms())),
      cache: await cacheSymptoms(cacheDirectory(options), fs),
      ...engineSymptoms(options, environment),
      ...(isValid && (await modelSymptoms(options, environment))),
    }),
  }
}

const kfdSymptoms = async (): Promise<Pick<Symptoms, 'kfdError'>> => {
  const { openError } = await import('../hardware/open-kfd.ts')
  const kfdError = await openError()
  return kfdError === undefined ? {} : { kfdError }
}

// Only where there is memory to be held.
const processesOf = async (files: PatientFiles, { gpus }: Inventory): Promise<readonly Process[]> => {
  const listed = gpus.length === 0 ? undefined : await files.list('/proc')
  const pids = listed?.ok ? listed.value.filter((name) => /^\d+$/.test(name)).map(Number) : []
  const held = await readHolders(files, pids)
  return Promise.all(
    held.map(async (holder) => {
      const name = await files.readText(`/proc/${holder.pid}/comm`)
      return { ...holder, name: name.ok ? name.value.trim() : '?' }
    }),
  )
}

const devicesOf = (fs: FileSystem): readonly Device[] => {
  const dri = fs.list('/dev/dri')
  const nodes = dri.ok ? dri.value.filter((name) => name.startsWith('renderD')).map((name) => `/dev/dri/${name}`) : []
  return ['/dev/kfd', ...nodes.sort()].flatMap((path) => {
    const [access, owner] = [fs.access(path), fs.owner(path)]
    return access.ok || owner.ok ? [{ path, ...(!access.ok && { code: access.code }), ...(owner.ok && { gid: owner.value.gid }) }] : []
  })
}

// A cache that is not there yet would be made in what is.
const nearestExisting = (path: string): string => (existsSync(path) ? path : nearestExisting(dirname(path)))

const cacheSymptoms = async (path: string, fs: FileSystem): Promise<CacheSymptoms> => {
  const place = nearestExisting(path)
  const fileSystem = mountOf(fs, place)?.type
  const shared = { path, ...(fileSystem !== undefined && { fileSystem }) }
  try {
    const { hardLink, ...needed } = await probeVolume(place)
    const lacking = Object.entries(needed).flatMap(([what, can]) => (can === true ? [] : [`${words[what] ?? what} (${can})`]))
    const { bavail, frsize, blocks, ffree, files } = await statfs(place)
    return {
      ...{ ...shared, lacking, hardLinks: hardLink === true },
      // Some network and FUSE file systems answer 0 of 0; btrfs counts no inodes.
      ...(blocks > 0 && { freeBytes: bavail * frsize }),
      ...(files > 0 && { freeFiles: ffree }),
    }
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? String(error.code) : String(error)
    return { ...shared, lacking: [], hardLinks: false, error: code }
  }
}

const words: Readonly<Record<string, string>> = {
  rename: 'rename a file over another',
  symlink: 'make symbolic links',
  writeInPlace: 'write a file at any place',
}

// The simulator is ourselves.
const engineSymptoms = (options: Options, { PATH = '' }: Environment): { readonly engine?: EngineSymptoms } => {
  const { engineCommand, engine } = options
  const command = engineCommand[0] ?? (engine === 'simulator' ? undefined : 'vllm')
  if (command === undefined) return {}
  const places = command.includes('/') ? [command] : PATH.split(delimiter).map((directory) => join(directory, command))
  const file = places.find(isProgram)
  const version = file === undefined ? undefined : packageVersion(file, 'vllm')
  const known = version === undefined ? {} : { version, flagsVersion: flagRules(options).schema.version }
  return { engine: { command, ...(file !== undefined && { file }), ...known, libatomic: hasLibrary('libatomic.so.1') } }
}

/** The version of a Python package beside a program of it, by the directory that pip made: asking the program would take ten seconds. */
const packageVersion = (program: string, name: string): string | undefined => {
  const library = join(dirname(dirname(realpathSync(program))), 'lib')
  const versions = namesIn(library)
    .filter((python) => /^python3/.test(python))
    .flatMap((python) => ['site-packages', 'dist-packages'].flatMap((packages) => namesIn(join(library, python, packages))))
    .flatMap((entry) => new RegExp(`^${name}-(\\d[^-]*)\\.dist-info$`).exec(entry)?.[1] ?? [])
  return versions[0]
}

const namesIn = (directory: string): readonly string[] => {
  try {
    return readdirSync(directory)
  } catch {
    return []
  }
}

/** Where dynamic linkers look on Debian, Ubuntu, RHEL and SUSE. */
const libraries = [
  '/lib64',
  '/usr/lib64',
  '/lib',
  '/usr/lib',
  '/usr/local/lib',
  ...['x86_64', 'aarch64'].map((cpu) => `/usr/lib/${cpu}-linux-gnu`),
]

const hasLibrary = (name: string): boolean => libraries.some((directory) => existsSync(join(directory, name)))

const isProgram = (path: string): boolean => {
  try {
    accessSync(path, constants.X_OK)
    return statSync(path).isFile()
  } catch {
    return false
  }
}
