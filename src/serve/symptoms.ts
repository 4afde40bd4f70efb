/** Edge: gathers what a diagnosis is made of, without changing anything but a probe in the cache's volume that it takes away again. */
import { accessSync, constants, existsSync, statSync } from 'node:fs'
import { delimiter, dirname, join } from 'node:path'
import { freeBytes, probeVolume } from '../cache/space.ts'
import { type Environment, parse } from '../config/parse.ts'
import { cacheDirectory } from '../config/rooms.ts'
import type { Options } from '../config/variables.ts'
import type { FileSystem } from '../hardware/file-system.ts'
import { readKfdHolders } from '../hardware/holders.ts'
import { machineFileSystem } from '../hardware/machine.ts'
import { patientFiles } from '../hardware/patient-files.ts'
import type { CacheSymptoms, Device, EngineSymptoms, Symptoms } from '../plan/symptoms.ts'
import { machineOf } from './machine.ts'
import { readSecretFile } from './secret-file.ts'

/** The symptoms of this machine, or of a captured tree: then without the cache and the engine, which are not in it. */
export const gatherSymptoms = async (environment: Environment): Promise<Symptoms> => {
  const { options, problems } = parse(environment, readSecretFile)
  const fs = machineFileSystem(options.sysfsRoot)
  const limits = fs.readText('/proc/self/limits')
  const ours = options.sysfsRoot === '/'
  return {
    inventory: await machineOf(options, environment),
    devices: devicesOf(fs),
    holders: await readKfdHolders(patientFiles(options.sysfsRoot)),
    ...(limits.ok && { limits: limits.value }),
    problems,
    onCpu: options.gpuCount === 0 || options.engine === 'simulator',
    ...(ours && { cache: await cacheSymptoms(cacheDirectory(options)), ...engineSymptoms(options, environment) }),
  }
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

const cacheSymptoms = async (path: string): Promise<CacheSymptoms> => {
  const place = nearestExisting(path)
  try {
    const { hardLink, ...needed } = await probeVolume(place)
    const lacking = Object.entries(needed).flatMap(([what, can]) => (can === true ? [] : [`${words[what] ?? what} (${can})`]))
    const free = await freeBytes(place)
    return { path, lacking, hardLinks: hardLink === true, ...(free !== undefined && { freeBytes: free }) }
  } catch (error) {
    return { path, lacking: [], hardLinks: false, error: error instanceof Error && 'code' in error ? String(error.code) : String(error) }
  }
}

const words: Readonly<Record<string, string>> = {
  rename: 'rename a file over another',
  symlink: 'make symbolic links',
  writeInPlace: 'write a file at any place',
}

// The simulator is ourselves.
const engineSymptoms = ({ engineCommand, engine }: Options, { PATH = '' }: Environment): { readonly engine?: EngineSymptoms } => {
  const command = engineCommand[0] ?? (engine === 'simulator' ? undefined : 'vllm')
  if (command === undefined) return {}
  const places = command.includes('/') ? [command] : PATH.split(delimiter).map((directory) => join(directory, command))
  const file = places.find(isProgram)
  return { engine: { command, ...(file !== undefined && { file }) } }
}

const isProgram = (path: string): boolean => {
  try {
    accessSync(path, constants.X_OK)
    return statSync(path).isFile()
  } catch {
    return false
  }
}
