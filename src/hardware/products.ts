/**
 * The products we know by name. A GPU that is not here still works: its gfx, memory and compute units come from the driver.
 * Ids, revisions and names: AMD's gpu-operator rules, libdrm's amdgpu.ids and AMD's AIM list; XCCs: the amdsmi partition guide.
 */

/** Kind of memory, as far as it changes how bandwidth follows from the clock. */
export type MemoryType = 'HBM2' | 'HBM3' | 'GDDR6' | 'LPDDR5X'

/** One product. */
export type Product = {
  /** AMD's name for it in AIM_GPU_MODEL, else ours in the same style: `MI300X`, `RX7900`. */
  readonly product: string
  /** Marketing name; several may share a product. */
  readonly name: string
  readonly memory: MemoryType
  /** XCCs of the whole package, where they can be partitioned and the guest sees them. */
  readonly xcc?: number
  /** A processor with a GPU inside, which may use the host's memory. */
  readonly apu?: true
  /** Instruction set, for kernels that do not tell it (before 2020). */
  readonly gfx?: string
}

/** PCI device ids that mean one product whatever the revision. */
type Row = readonly [ids: string, product: Product]

/** Names that a revision decides; the first is for revisions not listed. */
type Revisions = Readonly<Record<string, string>>

const rows: readonly Row[] = [
  ['6860 6861 6862 6863 6864 6868 686c', { product: 'MI25', name: 'AMD Radeon Instinct MI25', memory: 'HBM2', gfx: 'gfx900' }],
  ['66a0 66a1', { product: 'MI50', name: 'AMD Instinct MI60 / MI50', memory: 'HBM2', gfx: 'gfx906' }],
  ['738c 738e', { product: 'MI100', name: 'AMD Instinct MI100', memory: 'HBM2' }],
  ['740f 7410', { product: 'MI210', name: 'AMD Instinct MI210', memory: 'HBM2' }],
  ['740c', { product: 'MI250X', name: 'AMD Instinct MI250X / MI250', memory: 'HBM2' }],
  ['7408', { product: 'MI250X', name: 'AMD Instinct MI250X', memory: 'HBM2' }],
  ['74a0', { product: 'MI300A', name: 'AMD Instinct MI300A', memory: 'HBM3', xcc: 6, apu: true }],
  ['74b4', { product: 'MI300A', name: 'AMD Instinct MI300A VF', memory: 'HBM3', apu: true }],
  ['74a1', { product: 'MI300X', name: 'AMD Instinct MI300X', memory: 'HBM3', xcc: 8 }],
  ['74b5', { product: 'MI300X', name: 'AMD Instinct MI300X VF', memory: 'HBM3' }],
  ['74a9', { product: 'MI300X', name: 'AMD Instinct MI300X HF', memory: 'HBM3', xcc: 8 }],
  ['74bd', { product: 'MI300X', name: 'AMD Instinct MI300X HF VF', memory: 'HBM3' }],
  ['74a2', { product: 'MI308X', name: 'AMD Instinct MI308X', memory: 'HBM3', xcc: 4 }],
  ['74b6', { product: 'MI308X', name: 'AMD Instinct MI308X VF', memory: 'HBM3' }],
  ['74a8', { product: 'MI308X', name: 'AMD Instinct MI308X HF', memory: 'HBM3', xcc: 4 }],
  ['74bc', { product: 'MI308X', name: 'AMD Instinct MI308X HF VF', memory: 'HBM3' }],
  ['74a5', { product: 'MI325X', name: 'AMD Instinct MI325X', memory: 'HBM3', xcc: 8 }],
  ['74b9', { product: 'MI325X', name: 'AMD Instinct MI325X VF', memory: 'HBM3' }],
  ['75a0', { product: 'MI350X', name: 'AMD Instinct MI350X', memory: 'HBM3', xcc: 8 }],
  ['75b0', { product: 'MI350X', name: 'AMD Instinct MI350X VF', memory: 'HBM3' }],
  ['75a3', { product: 'MI355X', name: 'AMD Instinct MI355X', memory: 'HBM3', xcc: 8 }],
  ['75b3', { product: 'MI355X', name: 'AMD Instinct MI355X VF', memory: 'HBM3' }],
  ['75a8 75b8', { product: 'MI350P', name: 'AMD Instinct MI350P', memory: 'HBM3' }],
  ['75a2 75b2', { product: 'MI358X', name: 'AMD Instinct MI358X', memory: 'HBM3' }],
  ['73a1 73ae', { product: 'V620', name: 'AMD Radeon Pro V620', memory: 'GDDR6' }],
  ['73a2', { product: 'W6900X', name: 'AMD Radeon Pro W6900X', memory: 'GDDR6' }],
  ['73a3', { product: 'W6800', name: 'AMD Radeon Pro W6800', memory: 'GDDR6' }],
  ['73ab', { product: 'W6800X', name: 'AMD Radeon Pro W6800X', memory: 'GDDR6' }],
  ['73af', { product: 'RX6900', name: 'AMD Radeon RX 6900 XT', memory: 'GDDR6' }],
  ['73bf', { product: 'RX6800', name: 'AMD Radeon RX 6800 / 6900', memory: 'GDDR6' }],
  ['7460 7461', { product: 'V710', name: 'AMD Radeon Pro V710', memory: 'GDDR6' }],
  ['7470', { product: 'W7700', name: 'AMD Radeon Pro W7700', memory: 'GDDR6' }],
  ['745e', { product: 'W7800', name: 'AMD Radeon Pro W7800', memory: 'GDDR6' }],
  ['7449', { product: 'W7800', name: 'AMD Radeon Pro W7800 48GB', memory: 'GDDR6' }],
  ['7448', { product: 'W7900', name: 'AMD Radeon Pro W7900', memory: 'GDDR6' }],
  ['744a', { product: 'W7900', name: 'AMD Radeon Pro W7900 Dual Slot', memory: 'GDDR6' }],
  ['744b', { product: 'W7900', name: 'AMD Radeon Pro W7900D', memory: 'GDDR6' }],
  ['744c', { product: 'RX7900', name: 'AMD Radeon RX 7900', memory: 'GDDR6' }],
  ['747e', { product: 'RX7800', name: 'AMD Radeon RX 7700 / 7800', memory: 'GDDR6' }],
  ['7550', { product: 'RX9070', name: 'AMD Radeon RX 9070', memory: 'GDDR6' }],
  ['7551', { product: 'R9700', name: 'AMD Radeon AI PRO R9000', memory: 'GDDR6' }],
  ['7590', { product: 'RX9060', name: 'AMD Radeon RX 9060', memory: 'GDDR6' }],
  ['1586', { product: 'RYZENAIMAX', name: 'AMD Ryzen AI Max (Radeon 8000S)', memory: 'LPDDR5X', apu: true }],
]

const names: Readonly<Record<string, Revisions>> = {
  '6860': { '03': 'AMD Radeon Pro V340', '04': 'AMD Radeon Instinct MI25x2', '07': 'AMD Radeon Pro V320' },
  '66a1': { '06': 'AMD Radeon Pro VII' },
  '73bf': { c0: 'AMD Radeon RX 6900 XT', c1: 'AMD Radeon RX 6800 XT', c3: 'AMD Radeon RX 6800' },
  '744c': { c8: 'AMD Radeon RX 7900 XTX', cc: 'AMD Radeon RX 7900 XT', ce: 'AMD Radeon RX 7900 GRE', cf: 'AMD Radeon RX 7900M' },
  '747e': { c8: 'AMD Radeon RX 7800 XT', d8: 'AMD Radeon RX 7800M', db: 'AMD Radeon RX 7700', ff: 'AMD Radeon RX 7700 XT' },
  '7550': { c0: 'AMD Radeon RX 9070 XT', c2: 'AMD Radeon RX 9070 GRE', c3: 'AMD Radeon RX 9070' },
  '7551': { c0: 'AMD Radeon AI PRO R9700', c1: 'AMD Radeon AI PRO R9700S', c8: 'AMD Radeon AI PRO R9600D' },
  '7590': { c0: 'AMD Radeon RX 9060 XT', c1: 'AMD Radeon RX 9060 XT LP', c7: 'AMD Radeon RX 9060' },
  '1586': {
    ...{ c1: 'AMD Radeon 8060S', c3: 'AMD Radeon 8060S', c6: 'AMD Radeon 8060S', d1: 'AMD Radeon 8060S' },
    ...{ c2: 'AMD Radeon 8050S', c4: 'AMD Radeon 8050S', d2: 'AMD Radeon 8050S' },
  },
}

const byId: ReadonlyMap<string, Product> = new Map(rows.flatMap(([ids, product]) => ids.split(' ').map((id) => [id, product] as const)))

/** The product of a PCI device id (four lower-case hex digits), named by its revision (two digits); undefined for ids not in the table. */
export const productOf = (deviceId: string | undefined, revision?: string): Product | undefined => {
  if (deviceId === undefined) return undefined
  const product = byId.get(deviceId)
  const name = names[deviceId]?.[revision ?? '']
  return product === undefined || name === undefined ? product : { ...product, name }
}

/** Transfers per memory clock as the driver reports it: calculated, and checked against the data sheets. LPDDR5X: no source, no value. */
const transfersPerClock: Readonly<Partial<Record<MemoryType, number>>> = { HBM2: 2, HBM3: 4, GDDR6: 16 }

/** Peak bytes per second of a memory bank: bits / 8 x clock x transfers. MI300X (8192 bit, 1300 MHz): 5324.8 GB/s, as in AMD's profiler. */
export const peakBandwidth = (memory: MemoryType, widthBits: number, clockMhz: number): number | undefined => {
  const transfers = transfersPerClock[memory]
  return transfers === undefined ? undefined : (widthBits / 8) * clockMhz * 1e6 * transfers
}

const modes: Readonly<Record<number, string>> = { 1: 'SPX', 2: 'DPX', 3: 'TPX', 4: 'QPX' }

/**
 * The compute partition mode that a node's XCC count implies on a package of `total` XCCs: one XCC per node is CPX, else by the
 * number of partitions. Undefined when it does not divide. For when the driver's own file is not visible.
 */
export const impliedPartition = (xcc: number, total: number): string | undefined =>
  xcc === 1 ? 'CPX' : total % xcc === 0 ? modes[total / xcc] : undefined

/**
 * The memory partition mode that the banks of all partitions of one package imply: the driver keeps 16 MiB of the last memory partition, so
 * those that share it have less than the others (MI308X in CPX/NPS4: one of four). Equal ones imply nothing: in NPS1 all share it, and what
 * is kept is not seen elsewhere. For when the driver's own file is not visible.
 */
export const impliedMemoryPartition = (banks: readonly number[]): string | undefined => {
  const [least, most] = [Math.min(...banks), Math.max(...banks)]
  const less = banks.filter((bytes) => bytes === least).length
  const parts = banks.length / less
  const two = banks.every((bytes) => bytes === least || bytes === most)
  return two && most - least <= keptBytes && [2, 4, 8].includes(parts) ? `NPS${parts}` : undefined
}

const keptBytes = 16 * 2 ** 20
