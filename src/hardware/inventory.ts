/**
 * What this machine is, as far as it is known: a value nobody could read is absent, never made up.
 * Sizes are bytes; ids of 64 bits are strings, because they exceed 2^53.
 */
export type Gpu = {
  /** Position among the usable GPUs, in KFD node order (the order that ROCR numbers them in). */
  readonly index: number
  /** KFD topology node number. */
  readonly node: number
  /** N of /dev/dri/renderDN. */
  readonly renderMinor?: number
  /** PCI address `0000:1b:00.0`; the function is the partition index on partitioned GPUs. */
  readonly pci?: string
  /** PCI device id, four lower-case hex digits: `74a1`. */
  readonly deviceId?: string
  /** PCI revision id, two lower-case hex digits. */
  readonly revision?: string
  /** Product as AMD's variables spell it: `MI300X`. */
  readonly product?: string
  /** Instruction set: `gfx942`. */
  readonly gfx?: string
  readonly computeUnits?: number
  /** XCCs behind this node (8 for an MI300X in SPX). */
  readonly xcc?: number
  readonly vramBytes?: number
  readonly vramUsedBytes?: number
  readonly numaNode?: number
  readonly uniqueId?: string
  readonly hiveId?: string
  /** `SPX`, `CPX` ... as the driver says. */
  readonly computePartition?: string
  /** `NPS1`, `NPS4` ... as the driver says. */
  readonly memoryPartition?: string
}

/** CPU and memory as this container may use them. */
export type Host = {
  /** CPUs we may use at once: the smaller of the affinity (or cpuset) and the quota rounded up. */
  readonly cpus: number
  /** CPU time per wall time granted by the cgroup, when limited: 2.5 means two and a half CPUs. */
  readonly cpuQuota?: number
  readonly memoryBytes: number
  /** The cgroup's limit, when there is one. */
  readonly memoryLimitBytes?: number
  readonly memoryAvailableBytes?: number
  readonly shmBytes?: number
}

/** A GPU that is in the machine but not ours to use, and why. */
export type HiddenGpu = { readonly node: number; readonly reason: string }

/** The whole answer of detection. `oddities` are sentences on anything read that did not make sense. */
export type Inventory = {
  readonly gpus: readonly Gpu[]
  readonly hidden: readonly HiddenGpu[]
  /** Whether the KFD topology exists at all (the amdgpu driver is loaded on the host). */
  readonly driver: boolean
  /** What makes every GPU unusable although some are there (a permission on /dev/kfd or a render node), with the fix. */
  readonly blocked?: { readonly reason: string; readonly fix: string }
  readonly host: Host
  readonly oddities: readonly string[]
}
