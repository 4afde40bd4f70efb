/** The machine as the commands and the plan see it: the inventory, and where detection alone is not enough, what else can be asked. */
import type { Environment } from '../config/parse.ts'
import type { Options } from '../config/variables.ts'
import { detect, needsFallback, withGpus } from '../hardware/detect.ts'
import type { Inventory } from '../hardware/inventory.ts'
import type { KfdGpu } from '../hardware/kfd-node.ts'
import { answersOf, machineFileSystem } from '../hardware/machine.ts'
import { exitCodes } from '../std/exit-codes.ts'
import { Failure } from '../std/failure.ts'

/**
 * What this machine (or a captured tree) is. Only when there is no topology and yet a /dev/kfd that is ours, which is never so on a normal
 * machine, amd-smi is asked, for ten seconds at most; and where it does not know either, the GPUs are those that the user states.
 * Throws a Failure (78) when the captured tree is no directory: a slip in its name must not read as a machine without GPUs.
 */
export const machineOf = async (options: Options, environment: Environment): Promise<Inventory> => {
  const fs = machineFileSystem(options.sysfsRoot)
  if (options.sysfsRoot !== '/' && !fs.list('/').ok) throw noTree(options.sysfsRoot)
  const inventory = detect(fs, { ...answersOf(options.sysfsRoot)?.environment, ...environment })
  return options.sysfsRoot === '/' && needsFallback(fs, inventory) ? fallBack(inventory, options, environment) : inventory
}

const noTree = (root: string): Failure =>
  new Failure(`cannot read a captured machine: AIM_SYSFS_ROOT (--root) must name the directory that holds its sys/, given ${root}`, {
    exitCode: exitCodes.config,
    fix: /\.t(ar\.)?gz$/.test(root)
      ? `unpack it first: mkdir machine && tar -xzf ${root} -C machine, then name that directory`
      : 'unpack the capture and name its top directory, or leave it out to read this machine',
  })

const missing = 'the KFD topology is not in this container although /dev/kfd is'

const fallBack = async (inventory: Inventory, options: Options, environment: Environment): Promise<Inventory> => {
  const asked = await askAmdSmi()
  if (typeof asked !== 'string') return withGpus(inventory, asked, environment, `${missing}; the GPUs are those that amd-smi names`)
  const stated = await statedGpus(options)
  return withGpus(
    inventory,
    stated,
    environment,
    stated.length === 0
      ? `${missing}, and ${asked}; AIM_GPU_MODEL and AIM_GPU_COUNT together can state the GPUs`
      : `${missing}, and ${asked}; the GPUs are those that AIM_GPU_MODEL and AIM_GPU_COUNT state`,
  )
}

const askAmdSmi = async (): Promise<readonly KfdGpu[] | string> => {
  const [{ runAmdSmi }, { parseAmdSmi }] = await Promise.all([import('../hardware/run-amd-smi.ts'), import('../hardware/amd-smi.ts')])
  const answers = await Promise.all([runAmdSmi(['list', '--json']), runAmdSmi(['static', '--json'])])
  const [list = '', statics = ''] = answers.map((read) => (read.ok ? read.value : ''))
  const failed = answers.find((read) => !read.ok)
  return parseAmdSmi(list, statics) ?? (failed === undefined ? 'amd-smi names none' : `amd-smi cannot be asked (${failed.code})`)
}

// Both or nothing: a count that nobody gave would be a guess.
const statedGpus = async ({ gpuModel, gpuCount }: Options): Promise<readonly KfdGpu[]> => {
  if (gpuModel === 'auto' || typeof gpuCount !== 'number') return []
  const { cardOf } = await import('../hardware/cards.ts')
  return Array.from({ length: gpuCount }, (_, node) => ({ node, ...(cardOf(gpuModel) ?? { product: gpuModel }) }))
}

/** The inventory with how busy each GPU is, for choosing some of several; the same one where there is nothing to choose. */
export const withBusy = async (root: string, inventory: Inventory): Promise<Inventory> => {
  if (inventory.gpus.length < 2) return inventory
  const [{ patientFiles }, { readBusy }] = await Promise.all([import('../hardware/patient-files.ts'), import('../hardware/readings.ts')])
  const busy = await readBusy(patientFiles(root), inventory.gpus)
  return { ...inventory, gpus: inventory.gpus.map((gpu, at) => ({ ...gpu, ...(busy[at] !== undefined && { busy: busy[at] }) })) }
}
