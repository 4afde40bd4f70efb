/** What DRM's sysfs adds to the GPUs of the KFD topology. Never a source of GPUs: a container sees those of the whole host there. */
import { sharesHostMemory } from './apu.ts'
import { defined } from './defined.ts'
import { deviceDirectories } from './device-directory.ts'
import type { FileSystem } from './file-system.ts'
import type { KfdGpu } from './kfd-node.ts'
import { cpuNodeOf } from './links.ts'
import { packageOf } from './pci.ts'
import { type PciDevice, readDevice, readUsedOnly } from './pci-device.ts'
import { impliedMemoryPartition, impliedPartition, productOf } from './products.ts'

/** GPUs with what DRM added. */
export type Decorated = { readonly gpus: readonly KfdGpu[]; readonly oddities: readonly string[] }

/**
 * Decorates GPUs from their PCI device. The render node of a secondary partition belongs to a platform device without any of
 * these files, so a partition is decorated from the primary of its package, through /sys/bus/pci when that one is not ours.
 * Each device is read once.
 */
export const decorate = (fs: FileSystem, gpus: readonly KfdGpu[]): Decorated => {
  const found = new Map<string, PciDevice | undefined>()
  const oddities: string[] = []
  const read = (directory: string, gpu: KfdGpu): PciDevice | undefined => {
    if (!found.has(directory)) {
      const device = readDevice(fs, directory, gpu)
      found.set(directory, device)
      oddities.push(...(device?.odd ?? []).map((words) => `${directory}/${words}`))
    }
    return found.get(directory)
  }
  const decorated = gpus.map((gpu) => {
    const device = deviceDirectories(gpu, gpus).reduce<PciDevice | undefined>(
      (known, directory) => known ?? read(directory, gpu),
      undefined,
    )
    if (device?.busy) oddities.push(`the device of KFD node ${gpu.node} answers EBUSY: it is in reset or suspended`)
    return withDevice(fs, gpu, device ?? readUsedOnly(fs, gpu))
  })
  return { gpus: withMemoryModes(decorated), oddities }
}

const withMemoryModes = (gpus: readonly KfdGpu[]): readonly KfdGpu[] => {
  const packages = Map.groupBy(gpus, (gpu) => gpu.package)
  return gpus.map((gpu) => {
    const group = packages.get(gpu.package) ?? []
    const mode = gpu.memoryPartition === undefined && isWhole(gpu, group.length) ? modeOf(group) : undefined
    return mode === undefined ? gpu : { ...gpu, memoryPartition: mode }
  })
}

// All partitions of its package are ours.
const isWhole = ({ xcc, deviceId, package: own }: KfdGpu, count: number): boolean =>
  own !== undefined && count > 1 && xcc !== undefined && xcc * count === productOf(deviceId)?.xcc

const modeOf = (group: readonly KfdGpu[]): string | undefined => {
  const banks = group.flatMap(({ vramBytes }) => vramBytes ?? [])
  return banks.length === group.length ? impliedMemoryPartition(banks) : undefined
}

const withDevice = (fs: FileSystem, gpu: KfdGpu, device: PciDevice): KfdGpu => {
  const product = productOf(gpu.deviceId, device.revision)
  const vramBytes = gpu.vramBytes ?? (isPartition(gpu) ? undefined : device.vramTotal)
  const shared = sharesHostMemory({ deviceId: gpu.deviceId, gfx: gpu.gfx, vramBytes, vramTotal: device.vramTotal })
  return defined<KfdGpu>({
    ...gpu,
    vramBytes,
    revision: device.revision,
    product: product?.product,
    name: device.name ?? product?.name,
    // On shared memory the device counts its carve-out only, which is not what a model is loaded into.
    vramUsedBytes: shared ? undefined : device.vramUsed,
    sharesHostMemory: shared || undefined,
    numaNode: device.numaNode ?? cpuNodeOf(fs, gpu.node),
    computePartition: device.computePartition ?? partitionOf(gpu),
    memoryPartition: device.memoryPartition,
  })
}

const partitionOf = ({ xcc, deviceId }: KfdGpu): string | undefined => {
  const total = productOf(deviceId)?.xcc
  return xcc === undefined || total === undefined ? undefined : impliedPartition(xcc, total)
}

const isPartition = (gpu: KfdGpu): boolean =>
  (gpu.pci !== undefined && gpu.pci !== packageOf(gpu.pci)) || (partitionOf(gpu) ?? 'SPX') !== 'SPX'
