/** Lists of visible devices as ROCm's two libraries read them: ROCR's amd_filter_device.cpp and CLR's rocdevice.cpp. */
import type { Gpu } from './inventory.ts'

/** The name ROCR gives a GPU: `GPU-` and 16 hex digits of its unique id; `GPU-XX` without one, as on most APUs. */
export const uuidOf = ({ uniqueId }: Pick<Gpu, 'uniqueId'>): string =>
  uniqueId === undefined ? 'GPU-XX' : `GPU-${BigInt(uniqueId).toString(16).padStart(16, '0')}`

/** GPUs chosen by a list, by position, and the entry that ended the reading early. */
export type Choice = { readonly order: readonly number[]; readonly stop?: string }

// As std::getline: a comma at the end adds no entry, and nothing at all has none.
const entriesOf = (value: string): string[] =>
  value
    .replace(/,$/, '')
    .split(',')
    .slice(0, value === '' ? 0 : undefined)

/**
 * ROCR_VISIBLE_DEVICES: positions in KFD node order or UUIDs; no more entries are read than there are GPUs; empty means none.
 * The order of the entries becomes the new numbering.
 */
export const chooseByRocr = (list: string, gpus: readonly Gpu[]): Choice => {
  const entries = entriesOf(list)
  const order: number[] = []
  for (const entry of entries.slice(0, gpus.length)) {
    const at = rocrIndex(entry.trim().toUpperCase(), gpus)
    if (at === undefined) return { order, stop: stopAt(entry, gpus) }
    if (order.includes(at)) return { order, stop: `"${entry}" comes twice` }
    order.push(at)
  }
  return entries.length > gpus.length
    ? { order, stop: `"${entries[gpus.length]}" is beyond the ${gpus.length} entries that are read` }
    : { order }
}

const rocrIndex = (entry: string, gpus: readonly Gpu[]): number | undefined => {
  if (entry.startsWith('G')) return rocrUuid(entry, gpus)
  // strtol with base 0: 0x1 is hex and 010 octal.
  const [, sign, digits] = /^([+-]?)(0X[\dA-F]+|0[0-7]*|[1-9]\d*)$/.exec(entry) ?? []
  if (digits === undefined) return undefined
  const value = /^0[0-7]+$/.test(digits) ? Number.parseInt(digits, 8) : Number(digits)
  return value < gpus.length && (sign !== '-' || value === 0) ? value : undefined
}

// A prefix of 5 to 20 characters in any case that fits exactly one GPU; partitions that share an id cannot be told apart.
const rocrUuid = (entry: string, gpus: readonly Gpu[]): number | undefined => {
  if (entry.length < 5 || entry.length > 20) return undefined
  const fits = gpus.flatMap((gpu, at) => (gpu.uniqueId !== undefined && uuidOf(gpu).toUpperCase().startsWith(entry) ? [at] : []))
  return fits.length === 1 ? fits[0] : undefined
}

/** HIP_VISIBLE_DEVICES and CUDA_VISIBLE_DEVICES: positions among what ROCR left, or UUIDs; a repeated one is skipped. */
export const chooseByHip = (list: string, gpus: readonly Gpu[]): Choice => {
  const order: number[] = []
  for (const entry of entriesOf(list)) {
    const at = hipIndex(entry, gpus)
    if (at === undefined) return { order, stop: stopAt(entry, gpus) }
    if (!order.includes(at)) order.push(at)
  }
  return { order }
}

// A number must be written as it would be printed; a UUID may be any piece of one that has "GPU-" in it, the first that fits.
const hipIndex = (entry: string, gpus: readonly Gpu[]): number | undefined => {
  const at = entry.includes('GPU-')
    ? gpus.findIndex((gpu) => uuidOf(gpu).includes(entry))
    : Number(/^(?:0|[1-9]\d*)$/.exec(entry)?.[0] ?? -1)
  return at >= 0 && at < gpus.length ? at : undefined
}

const stopAt = (entry: string, gpus: readonly Gpu[]): string =>
  entry === '-1' ? entry : `"${entry}" names none of the ${gpus.length} GPUs it chooses from`
