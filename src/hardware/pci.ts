/** PCI addresses as KFD tells them. */

/** Where a KFD node sits. */
export type PciLocation = {
  /** `0000:1b:00.0`. */
  readonly address: string
  /** The same with function 0: what all partitions of one package share, and the address that exists under /sys/bus/pci. */
  readonly package: string
  /** Partition index within the package; 0 on unpartitioned GPUs. */
  readonly partition: number
}

/**
 * Decodes KFD's `location_id` (bus in bits 15:8, device in 7:3, function in 2:0) and `domain`. Kernels before 2020 had no
 * `domain` key and knew domain 0 only. The function of a partitioned GPU is the partition number (kfd_topology.c).
 */
export const decodeLocation = (locationId: number, domain = 0): PciLocation => {
  const bus = (locationId >> 8) & 0xff
  const device = (locationId >> 3) & 0x1f
  const slot = `${hex(domain, 4)}:${hex(bus, 2)}:${hex(device, 2)}`
  const partition = locationId & 7
  return { address: `${slot}.${partition}`, package: `${slot}.0`, partition }
}

/** A package's address from that of any of its partitions. */
export const packageOf = (address: string): string => (address.at(-2) === '.' ? `${address.slice(0, -1)}0` : address)

const hex = (value: number, digits: number): string => value.toString(16).padStart(digits, '0')
