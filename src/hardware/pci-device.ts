/** The attribute files of one GPU's PCI device. `pcie_bw` is never read: each reading of it sleeps a second. */
import type { Read } from '../std/result.ts'
import { defined } from './defined.ts'
import type { FileSystem } from './file-system.ts'
import type { KfdGpu } from './kfd-node.ts'
import { productOf } from './products.ts'
import { notNegative, parseInteger, readInteger } from './properties.ts'

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
  /** Files whose content or error makes no sense, in words: `numa_node is no number`. */
  readonly odd: readonly string[]
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
  const odd: string[] = []
  const take = <T>(file: string, read: Read<string>, kind: Kind<T>): T | undefined => {
    const { value, oddity } = understand(read, kind)
    if (oddity !== undefined) odd.push(`${file} ${oddity}`)
    return value
  }
  const ask = <T>(file: string, kind: Kind<T>): T | undefined => take(file, fs.readText(`${directory}/${file}`), kind)
  return defined<PciDevice>({
    revision: take('revision', revision, whole)?.toString(16).padStart(2, '0'),
    name: ask('product_name', name),
    // A discrete product's total is in its KFD bank already.
    vramTotal: known === undefined || known.apu || vramBytes === undefined ? ask('mem_info_vram_total', whole) : undefined,
    vramUsed: take('mem_info_vram_used', used, whole),
    numaNode: notNegative(ask('numa_node', integer)),
    ...(mayBePartitioned(gfx) && {
      computePartition: ask('current_compute_partition', computeMode),
      memoryPartition: ask('current_memory_partition', memoryMode),
    }),
    busy: !used.ok && used.code === 'EBUSY',
    odd,
  })
}

const isAbsent = (read: Read<string>): boolean => !read.ok && read.code !== 'EBUSY' && read.code !== 'EPERM'

/** How to understand a file, and what one that is not understood is not. */
type Kind<T> = { readonly parse: (text: string) => T | undefined; readonly otherwise: string; readonly mayBeBlank?: true }

const integer: Kind<number> = { parse: parseInteger, otherwise: 'is no number' }
const whole: Kind<number> = { parse: (text) => notNegative(parseInteger(text)), otherwise: 'is no size or number' }
// Consumer cards have a product_name with nothing in it.
const name: Kind<string> = { parse: (text) => /^[ -~]{1,80}$/.exec(firstLine(text))?.[0], otherwise: 'is no name', mayBeBlank: true }
const mode = (pattern: RegExp): Kind<string> => ({ parse: (text) => pattern.exec(firstLine(text))?.[0], otherwise: 'is no mode' })
const computeMode = mode(/^[SDTQC]PX$/)
const memoryMode = mode(/^NPS[1248]$/)

const firstLine = (text: string): string => text.trim().split('\n')[0] ?? ''

/** Errors that say that the kernel does not offer a file, or not now. */
const usual: readonly string[] = ['ENOENT', 'ENOTDIR', 'EBUSY', 'EPERM', 'ENODEV', 'EOPNOTSUPP']

const understand = <T>(read: Read<string>, kind: Kind<T>): { readonly value?: T; readonly oddity?: string } => {
  if (!read.ok) return usual.includes(read.code) ? {} : { oddity: `cannot be read (${read.code})` }
  const value = kind.parse(read.value)
  if (value !== undefined) return { value }
  const blank = kind.mayBeBlank === true && read.value.trim() === ''
  // What the driver writes for a mode that it does not know itself.
  return blank || read.value.trim() === 'UNKNOWN' ? {} : { oddity: kind.otherwise }
}

// The first generation with partitions is MI300 (gfx94x); an unknown gfx is asked.
const mayBePartitioned = (gfx: string | undefined): boolean => gfx === undefined || /^gfx(9[4-9]|125)/.test(gfx)

/** Stands in where no PCI device is visible: KFD's own count of used memory, which is the whole package's too. */
export const readUsedOnly = (fs: FileSystem, { node }: KfdGpu): PciDevice => {
  const used = readInteger(fs, `/sys/class/kfd/kfd/topology/nodes/${node}/mem_banks/0/used_memory`)
  return defined<PciDevice>({ vramUsed: notNegative(used), busy: false, odd: [] })
}
