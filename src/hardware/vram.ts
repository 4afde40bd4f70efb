/** How much of each package's memory is in use, in one small read: cheap enough for many times a second. */
import { deviceDirectories } from './device-directory.ts'
import type { PatientFiles } from './file-system.ts'
import type { Gpu } from './inventory.ts'
import { packageOf } from './pci.ts'
import { parseInteger } from './properties.ts'
import { packagesOf } from './readings.ts'

/** A package of GPUs: every partition of it shows the same memory, so it is counted once. */
export type VramPackage = {
  /** PCI address of function 0, or the KFD node where there is no address. */
  readonly name: string
  /** Its memory in bytes, for setting its use against; absent where it is not known or where a partition's share of it is ours. */
  readonly totalBytes?: number
  /** KFD's ids of its GPUs, by which its users are listed. */
  readonly gpuIds: readonly number[]
  /** Files that hold its use in bytes; the first that answers counts. */
  readonly usedFiles: readonly string[]
}

/** The packages behind these GPUs, without those that share the host's memory: they have none of their own to give back. */
export const vramPackagesOf = (gpus: readonly Gpu[]): readonly VramPackage[] =>
  packagesOf(gpus.filter(({ sharesHostMemory }) => !sharesHostMemory)).flatMap((group) => {
    const [first] = group
    return first === undefined ? [] : [packageFrom(first, group, gpus)]
  })

const packageFrom = (first: Gpu, group: readonly Gpu[], gpus: readonly Gpu[]): VramPackage => {
  const whole = group.length === 1 && (first.computePartition ?? 'SPX') === 'SPX'
  return {
    name: first.pci === undefined ? `node ${first.node}` : packageOf(first.pci),
    ...(whole && first.vramBytes !== undefined ? { totalBytes: first.vramBytes } : {}),
    gpuIds: group.flatMap(({ gpuId }) => gpuId ?? []),
    usedFiles: [
      ...deviceDirectories(first, gpus).map((directory) => `${directory}/mem_info_vram_used`),
      `/sys/class/kfd/kfd/topology/nodes/${first.node}/mem_banks/0/used_memory`,
    ],
  }
}

/** Bytes in use by package name; one that does not say, or not in time, is left out. */
export const readVramUsed = async (files: PatientFiles, packages: readonly VramPackage[]): Promise<Readonly<Record<string, number>>> => {
  const used: Record<string, number> = {}
  for (const { name, usedFiles } of packages) {
    const bytes = await firstNumber(files, usedFiles)
    if (bytes !== undefined) used[name] = bytes
  }
  return used
}

const firstNumber = async (files: PatientFiles, paths: readonly string[]): Promise<number | undefined> => {
  for (const path of paths) {
    const read = await files.readText(path)
    const value = read.ok ? parseInteger(read.value) : undefined
    if (value !== undefined && value >= 0) return value
  }
  return undefined
}
