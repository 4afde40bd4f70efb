/**
 * What the GPUs are doing now, from the driver's attribute files. Each value is absent where the kernel does not offer it. Never `pcie_bw`:
 * a read of it sleeps for a second.
 */
import { defined } from './defined.ts'
import { deviceDirectories, type Placed } from './device-directory.ts'
import type { PatientFiles } from './file-system.ts'
import type { Gpu } from './inventory.ts'
import { packageOf } from './pci.ts'
import { parseInteger } from './properties.ts'
import { parseThrottle, type Throttle } from './throttle.ts'

/** Errors that the RAS blocks of a GPU counted since the driver was loaded. */
export type RasCount = { readonly block: string; readonly correctable: number; readonly uncorrectable: number }

/** What one package is doing: its partitions share all of it. */
export type Reading = {
  /** PCI address of the package, function 0; undefined when the driver tells no address. */
  readonly package?: string
  /** Indices in the inventory of the GPUs that are on it. */
  readonly gpus: readonly number[]
  readonly vramTotalBytes?: number
  readonly vramUsedBytes?: number
  /** Shares of time from 0 to 1. */
  readonly busy?: number
  readonly memoryBusy?: number
  readonly powerWatts?: number
  readonly powerCapWatts?: number
  /** Degrees Celsius by sensor. */
  readonly temperatures: Readonly<Partial<Record<'edge' | 'junction' | 'memory', number>>>
  /** Hertz by clock. */
  readonly clocks: Readonly<Partial<Record<'graphics' | 'memory', number>>>
  readonly throttle?: Throttle
  readonly computePartition?: string
  readonly memoryPartition?: string
  /** True when the device answers EBUSY: it is in reset or suspended. */
  readonly resetting?: boolean
}

/** The GPUs of an inventory, as far as reading them needs. */
export type Readable = Placed & Pick<Gpu, 'index' | 'node' | 'vramBytes'>

/** One reading per package of the given GPUs, in index order; about sixteen small reads each. Never throws. */
export const readReadings = async (files: PatientFiles, gpus: readonly Readable[]): Promise<readonly Reading[]> => {
  const readings: Reading[] = []
  // In turn: a driver that hangs holds up one read, not as many as there are threads.
  for (const group of packagesOf(gpus)) readings.push(await readPackage(files, group, gpus))
  return readings
}

/** How busy each of these GPUs is, 0 to 1, in their order: one read for each package. */
export const readBusy = async (files: PatientFiles, gpus: readonly Readable[]): Promise<readonly (number | undefined)[]> => {
  const busy = new Map<number, number | undefined>()
  for (const group of packagesOf(gpus)) {
    const value = await busyOf(files, group, gpus)
    for (const { index } of group) busy.set(index, value)
  }
  return gpus.map(({ index }) => busy.get(index))
}

const busyOf = async (files: PatientFiles, [first]: readonly Readable[], gpus: readonly Readable[]): Promise<number | undefined> => {
  for (const directory of first === undefined ? [] : deviceDirectories(first, gpus)) {
    const percent = await number(files, `${directory}/gpu_busy_percent`)
    if (percent !== undefined) return scaled(percent, 0.01)
  }
  return undefined
}

/** GPUs by package; one without an address is alone. */
export const packagesOf = <T extends Pick<Gpu, 'pci' | 'node'>>(gpus: readonly T[]): readonly (readonly T[])[] => [
  ...Map.groupBy(gpus, ({ pci, node }) => (pci === undefined ? String(node) : packageOf(pci))).values(),
]

const readPackage = async (files: PatientFiles, group: readonly Readable[], gpus: readonly Readable[]): Promise<Reading> => {
  const [first] = group
  const shared = { gpus: group.map(({ index }) => index), ...(first?.pci !== undefined && { package: packageOf(first.pci) }) }
  const found = first === undefined ? undefined : await findDevice(files, deviceDirectories(first, gpus))
  if (found === undefined) return { ...shared, temperatures: {}, clocks: {}, ...(await usedByKfd(files, first)) }
  const { directory, resetting } = found
  if (resetting) return { ...shared, temperatures: {}, clocks: {}, resetting }
  return { ...shared, ...(await readDevice(files, directory)), ...(await readSensors(files, directory)) }
}

// The first directory that has the files: a partition's platform device has none of them.
const findDevice = async (files: PatientFiles, directories: readonly string[]) => {
  for (const directory of directories) {
    const used = await files.readText(`${directory}/mem_info_vram_used`)
    if (used.ok || used.code === 'EPERM') return { directory, resetting: false }
    if (used.code === 'EBUSY') return { directory, resetting: true }
  }
  return undefined
}

const usedByKfd = async (files: PatientFiles, gpu: Readable | undefined): Promise<Pick<Reading, 'vramUsedBytes'>> => {
  const used = await number(files, `/sys/class/kfd/kfd/topology/nodes/${gpu?.node}/mem_banks/0/used_memory`)
  return defined<Pick<Reading, 'vramUsedBytes'>>({ vramUsedBytes: used })
}

const readDevice = async (files: PatientFiles, directory: string): Promise<Partial<Reading>> => {
  const metrics = await files.readBytes(`${directory}/gpu_metrics`)
  return defined<Partial<Reading>>({
    vramTotalBytes: await number(files, `${directory}/mem_info_vram_total`),
    vramUsedBytes: await number(files, `${directory}/mem_info_vram_used`),
    busy: scaled(await number(files, `${directory}/gpu_busy_percent`), 0.01),
    memoryBusy: scaled(await number(files, `${directory}/mem_busy_percent`), 0.01),
    throttle: metrics.ok ? parseThrottle(metrics.value) : undefined,
    computePartition: await word(files, `${directory}/current_compute_partition`),
    memoryPartition: await word(files, `${directory}/current_memory_partition`),
  })
}

// Names and units: amdgpu_pm.c, section hwmon: microwatts, millidegrees, hertz. The number of the hwmon directory is not fixed.
const readSensors = async (files: PatientFiles, directory: string) => {
  const listed = await files.list(`${directory}/hwmon`)
  const name = listed.ok ? listed.value.find((entry) => entry.startsWith('hwmon')) : undefined
  if (name === undefined) return { temperatures: {}, clocks: {} }
  const sensor = (file: string): Promise<number | undefined> => number(files, `${directory}/hwmon/${name}/${file}`)
  return {
    ...defined<Pick<Reading, 'powerWatts' | 'powerCapWatts'>>({
      // MI300 and some Radeons have the second only.
      powerWatts: scaled((await sensor('power1_average')) ?? (await sensor('power1_input')), 1e-6),
      powerCapWatts: scaled(await sensor('power1_cap'), 1e-6),
    }),
    temperatures: defined<Reading['temperatures']>({
      edge: scaled(await sensor('temp1_input'), 1e-3),
      junction: scaled(await sensor('temp2_input'), 1e-3),
      memory: scaled(await sensor('temp3_input'), 1e-3),
    }),
    clocks: defined<Reading['clocks']>({ graphics: await sensor('freq1_input'), memory: await sensor('freq2_input') }),
  }
}

/**
 * The error counts of each RAS block of a package: none where it has no RAS. Asked less often than the rest, because the driver asks the
 * firmware for each block.
 */
export const readRas = async (files: PatientFiles, gpu: Placed, gpus: readonly Placed[]): Promise<readonly RasCount[]> => {
  for (const directory of deviceDirectories(gpu, gpus)) {
    const listed = await files.list(`${directory}/ras`)
    if (!listed.ok) continue
    const counts: RasCount[] = []
    for (const file of listed.value.filter((entry) => entry.endsWith('_err_count')).sort()) {
      const read = await files.readText(`${directory}/ras/${file}`)
      const count = read.ok ? parseRas(read.value) : undefined
      if (count !== undefined) counts.push({ block: file.replace(/_err_count$/, ''), ...count })
    }
    return counts
  }
  return []
}

/** `ue: 0` and `ce: 3` lines (amdgpu_ras.c); undefined for anything else. */
export const parseRas = (text: string): Pick<RasCount, 'correctable' | 'uncorrectable'> | undefined => {
  const [uncorrectable, correctable] = [/^ue: (\d{1,15})$/m, /^ce: (\d{1,15})$/m].map((line) => line.exec(text)?.[1])
  return uncorrectable === undefined || correctable === undefined
    ? undefined
    : { uncorrectable: Number(uncorrectable), correctable: Number(correctable) }
}

const number = async (files: PatientFiles, path: string): Promise<number | undefined> => {
  const read = await files.readText(path)
  const value = read.ok ? parseInteger(read.value) : undefined
  return value !== undefined && value >= 0 ? value : undefined
}

const word = async (files: PatientFiles, path: string): Promise<string | undefined> => {
  const read = await files.readText(path)
  const [line = ''] = read.ok ? read.value.trim().split('\n') : []
  return /^[\w-]{1,20}$/.test(line) ? line : undefined
}

// To six places, or 0.35 would be shown as 0.35000000000000003.
const scaled = (value: number | undefined, factor: number): number | undefined =>
  value === undefined ? undefined : Number((value * factor).toFixed(6))
