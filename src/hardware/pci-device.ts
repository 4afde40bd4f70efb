/** The attribute files of one GPU's PCI device. `pcie_bw` is never read: each reading of it sleeps a second. */
import type { Read } from '../std/result.ts'
import { defined } from './defined.ts'
import type { FileSystem } from './file-system.ts'
import type { KfdGpu } from './kfd-node.ts'
import { productOf } from './products.ts'
import { parseInteger, readInteger } from './properties.ts'

/** What one PCI device, and so every partition on it, says. */
export type PciDevice = {
  readonly revision?: string
  readonly name?: string
  /** Bytes; only read where the KFD bank does not say it. */
  readonly vramTotal?: number
  readonly vramUsed?: number
  readonly numaNode?: number
  readonly computePartition?: string
  readonly memoryPartition?: string
  /** The device answered EBUSY: in reset or suspended. */
  readonly busy: boolean
}

/**
 * Reads the files of a PCI device directory; undefined when it is not there or is a partition's platform device, which has none
 * of them. EBUSY and EPERM (a suspended card on new kernels) are answers of a device that exists.
 */
export const readDevice = (fs: FileSystem, directory: string, { deviceId, gfx, vramBytes }: KfdGpu): PciDevice | undefined => {
  const revision = fs.readText(`${directory}/revision`)
  const used = fs.readText(`${directory}/mem_info_vram_used`)
  if (isAbsent(revision) && isAbsent(used)) return undefined
  const known = productOf(deviceId)
  return defined<PciDevice>({
    revision: revision.ok ? parseInteger(revision.value)?.toString(16).padStart(2, '0') : undefined,
    name: readWord(fs, `${directory}/product_name`),
    // A discrete product's total is in its KFD bank already.
    vramTotal:
      known === undefined || known.apu || vramBytes === undefined ? readInteger(fs, `${directory}/mem_info_vram_total`) : undefined,
    vramUsed: used.ok ? notNegative(parseInteger(used.value)) : undefined,
    numaNode: notNegative(readInteger(fs, `${directory}/numa_node`)),
    ...(mayBePartitioned(gfx) && readModes(fs, directory)),
    busy: !used.ok && used.code === 'EBUSY',
  })
}

const isAbsent = (read: Read<string>): boolean => !read.ok && read.code !== 'EBUSY' && read.code !== 'EPERM'

const readModes = (fs: FileSystem, directory: string) => ({
  computePartition: readWord(fs, `${directory}/current_compute_partition`),
  memoryPartition: readWord(fs, `${directory}/current_memory_partition`),
})

// The first generation with partitions is MI300 (gfx94x); an unknown gfx is asked.
const mayBePartitioned = (gfx: string | undefined): boolean => gfx === undefined || /^gfx(9[4-9]|125)/.test(gfx)

/** Stands in where no PCI device is visible: KFD's own count of used memory, which is the whole package's too. */
export const readUsedOnly = (fs: FileSystem, { node }: KfdGpu): PciDevice => {
  const used = readInteger(fs, `/sys/class/kfd/kfd/topology/nodes/${node}/mem_banks/0/used_memory`)
  return defined<PciDevice>({ vramUsed: notNegative(used), busy: false })
}

// The first line, blank as absent: consumer cards have a product_name without one.
const readWord = (fs: FileSystem, path: string): string | undefined => {
  const read = fs.readText(path)
  const [line = ''] = read.ok ? read.value.trim().split('\n') : []
  return /^[ -~]{1,80}$/.test(line) ? line : undefined
}

const notNegative = (value: number | undefined): number | undefined => (value !== undefined && value >= 0 ? value : undefined)
