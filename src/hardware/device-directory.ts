/** Where the attribute files of a GPU's PCI device are found in sysfs. */
import type { Gpu } from './inventory.ts'
import { packageOf } from './pci.ts'

/** What of a GPU says where its device is. */
export type Placed = Pick<Gpu, 'pci' | 'renderMinor'>

const drm = ({ renderMinor }: Placed): readonly string[] =>
  renderMinor === undefined ? [] : [`/sys/class/drm/renderD${renderMinor}/device`]

/**
 * Directories to try in turn for the PCI device of a GPU, given all GPUs that are ours. A secondary partition's own render node belongs to
 * a platform device without any of the files, so it has those of its package's primary: by that one's render node, else through
 * /sys/bus/pci, which no container hides.
 */
export const deviceDirectories = (gpu: Placed, gpus: readonly Placed[]): readonly string[] => {
  const primary = gpus.find(({ pci }) => pci !== undefined && gpu.pci !== undefined && pci === packageOf(gpu.pci))
  const isFirst = gpu.pci === undefined || gpu.pci === packageOf(gpu.pci)
  const own = drm(gpu)
  if (gpu.pci === undefined) return own
  const ofPackage = [...(primary === undefined ? [] : drm(primary)), `/sys/bus/pci/devices/${packageOf(gpu.pci)}`]
  // Last, because only a virtual function in a guest has the files under another function than 0.
  return [...new Set(isFirst ? [...own, ...ofPackage] : [...ofPackage, ...own])]
}
