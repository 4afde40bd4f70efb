/**
 * What this machine is, as far as it is known: a value nobody could read is absent, never made up.
 * Sizes are bytes; ids of 64 bits are strings, because they exceed 2^53.
 */
export type Gpu = {
  /** Position among the usable GPUs as HIP numbers them: KFD node order unless a visibility mask asks for another. */
  readonly index: number
  /** Position among the GPUs that ROCR_VISIBLE_DEVICES leaves: what HIP_VISIBLE_DEVICES has to say to name it. */
  readonly ordinal?: number
  /** KFD topology node number. */
  readonly node: number
  /** KFD's own id, the key of /sys/class/kfd/kfd/proc; unique per boot only. */
  readonly gpuId?: number
  /** N of /dev/dri/renderDN. */
  readonly renderMinor?: number
  /** PCI address `0000:1b:00.0`; the function is the partition index on partitioned GPUs. */
  readonly pci?: string
  /** PCI address of the package, function 0: the same for all partitions of one, and the address that exists under /sys/bus/pci. */
  readonly package?: string
  /** PCI device id, four lower-case hex digits: `74a1`. */
  readonly deviceId?: string
  /** PCI revision id, two lower-case hex digits. */
  readonly revision?: string
  /** Product as AMD's variables spell it: `MI300X`, `RX7900`. */
  readonly product?: string
  /** Marketing name: `AMD Radeon RX 7900 XTX`. */
  readonly name?: string
  /** Instruction set: `gfx942`. */
  readonly gfx?: string
  /** Number formats that it computes: `fp16` `bf16` `fp8_fnuz` or `fp8_ocp` `mxfp4` ...; absent for an instruction set that is not known. */
  readonly dtypes?: readonly string[]
  readonly computeUnits?: number
  /** XCCs behind this node (8 for an MI300X in SPX). */
  readonly xcc?: number
  /** What this node (a partition, on partitioned GPUs) may allocate. */
  readonly vramBytes?: number
  /** In use in the whole package: every partition shows the same number, so group by package before adding or subtracting. */
  readonly vramUsedBytes?: number
  /** True when its memory is the host's (an APU without a large carve-out): what is free is then `memoryAvailableBytes`. */
  readonly sharesHostMemory?: boolean
  /** Peak bytes per second of the package's memory, which its partitions share. */
  readonly memoryBandwidth?: number
  /** Share of the last moment in which the package computed, 0 to 1; only read when there are GPUs to choose from. */
  readonly busy?: number
  readonly numaNode?: number
  /** Decimal; partitions of one package share it before ROCm 7.0. */
  readonly uniqueId?: string
  /** The name ROCm knows it by: `GPU-` and 16 hex digits of the unique id. */
  readonly uuid?: string
  /** Decimal; GPUs with the same one are joined by xGMI. */
  readonly hiveId?: string
  /** `SPX`, `CPX` ... as the driver says, or as the XCC count implies where the driver's file is not visible. */
  readonly computePartition?: string
  /** `NPS1`, `NPS4` ... as the driver says. */
  readonly memoryPartition?: string
}

/** CPU and memory as this container may use them. */
export type Host = {
  /** CPUs we may use at once: the smaller of the affinity (or cpuset) and the quota rounded up; at least 1. */
  readonly cpus: number
  /** CPU time per wall time granted by the cgroup, when limited: 2.5 means two and a half CPUs. */
  readonly cpuQuota?: number
  /** The machine's memory; 0 (with an oddity) when it cannot be read. */
  readonly memoryBytes: number
  /** The cgroup's limit, when there is one below the machine's memory. */
  readonly memoryLimitBytes?: number
  /** What can be allocated before the machine or the cgroup runs out, reclaimable page cache counted as free. */
  readonly memoryAvailableBytes?: number
  /** Size of the file system at /dev/shm. */
  readonly shmBytes?: number
  /** Whether the kernel moves pages between NUMA nodes on its own, which stalls GPUs that use them. */
  readonly numaBalancing?: boolean
  /** Memory that is set aside as huge pages of the default size, in use or not. */
  readonly hugePagesBytes?: number
}

/** A GPU that is in the machine but not ours to use, and why. */
export type HiddenGpu = { readonly node: number; readonly reason: string }

/** Why no GPU can be used although some are there, and what to do about it. */
export type Blocked = { readonly reason: string; readonly fix: string }

/** The whole answer of detection. `oddities` are sentences on anything read that did not make sense. */
export type Inventory = {
  readonly gpus: readonly Gpu[]
  readonly hidden: readonly HiddenGpu[]
  /** Whether the KFD topology exists at all (the amdgpu driver is loaded on the host). */
  readonly driver: boolean
  /** What makes every GPU unusable although some are there (a permission on /dev/kfd or a render node), with the fix. */
  readonly blocked?: Blocked
  readonly host: Host
  readonly oddities: readonly string[]
}
