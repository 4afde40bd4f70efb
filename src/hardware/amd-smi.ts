/**
 * What `amd-smi list --json` and `amd-smi static --json` say, as GPUs: the last resort where /sys is missing and /dev/kfd is there. Shapes:
 * ROCm 6 gives an array, ROCm 7 an object with `gpu_data`; warnings may stand before and legends after; a value may be a number, a
 * number with a unit, text with a unit, or "N/A" in any place.
 */
import { isRecord } from '../std/json.ts'
import { defined } from './defined.ts'
import { decodeGfx } from './gfx.ts'
import type { KfdGpu } from './kfd-node.ts'
import { packageOf } from './pci.ts'
import { productOf } from './products.ts'

type Entry = Readonly<Record<string, unknown>>

/** The GPUs, in amd-smi's order; undefined when neither text holds a list of GPUs. `list` knows nodes, `static` what each GPU is. */
export const parseAmdSmi = (list: string, statics: string): readonly KfdGpu[] | undefined => {
  const [listed, described] = [entriesOf(list), entriesOf(statics)]
  const all = described.length > 0 ? described : listed
  if (all.length === 0) return undefined
  return all.map((entry, at) => toGpu(entry, listed.find(({ gpu }) => gpu === entry.gpu) ?? {}, at))
}

const entriesOf = (text: string): readonly Entry[] =>
  documentsIn(text)
    .flatMap((value) => (isRecord(value) && Array.isArray(value.gpu_data) ? value.gpu_data : Array.isArray(value) ? value : [value]))
    .filter(isRecord)
    .filter(({ gpu }) => typeof gpu === 'number')

/** Every JSON document in a text, with whatever stands around them left out. */
export const documentsIn = (text: string): readonly unknown[] => {
  const found: unknown[] = []
  for (let at = 0; at < text.length; at++) {
    if (text[at] !== '{' && text[at] !== '[') continue
    const end = endOf(text, at)
    const value = end === undefined ? undefined : parse(text.slice(at, end))
    if (value === undefined || end === undefined) continue
    found.push(value)
    at = end - 1
  }
  return found
}

/** Where the brackets that open at `start` are closed, strings left aside. */
const endOf = (text: string, start: number): number | undefined => {
  const tokens = /"(?:[^"\\]|\\.)*"|[[\]{}]/gs
  tokens.lastIndex = start
  let depth = 0
  for (let token = tokens.exec(text); token !== null; token = tokens.exec(text)) {
    if (token[0] === '[' || token[0] === '{') depth++
    else if (token[0] === ']' || token[0] === '}') depth--
    if (depth === 0) return tokens.lastIndex
  }
  return undefined
}

const parse = (text: string): unknown => {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}

const toGpu = (entry: Entry, listed: Entry, at: number): KfdGpu => {
  const [asic, vram, bus, partition] = ['asic', 'vram', 'bus', 'partition'].map((name) => partOf(entry, name))
  const deviceId = hexOf(asic?.device_id, 4)
  const revision = hexOf(asic?.rev_id, 2)
  const product = productOf(deviceId, revision) ?? productOf(deviceId)
  const pci = addressOf(bus?.bdf) ?? addressOf(listed.bdf)
  const name = textOf(asic?.market_name)
  return defined<KfdGpu>({
    node: numberOf(listed.node_id) ?? numberOf(entry.gpu) ?? at,
    gpuId: numberOf(listed.kfd_id),
    pci,
    package: pci === undefined ? undefined : packageOf(pci),
    deviceId,
    revision,
    product: product?.product,
    name: name ?? product?.name,
    gfx: gfxOf(asic?.target_graphics_version) ?? product?.gfx,
    computeUnits: numberOf(asic?.num_compute_units),
    vramBytes: mebibytesOf(vram?.size),
    computePartition: modeOf(partition?.accelerator_partition ?? partition?.compute_partition),
    memoryPartition: modeOf(partition?.memory_partition),
    numaNode: numberOf(partOf(entry, 'numa')?.node),
  })
}

const partOf = (entry: Entry, name: string): Entry | undefined => (isRecord(entry[name]) ? entry[name] : undefined)

/** A number, `{value}`, or text that begins with one; never negative. */
const numberOf = (value: unknown): number | undefined => {
  if (isRecord(value)) return numberOf(value.value)
  const amount = typeof value === 'string' ? Number.parseFloat(/^\s*\d+(?:\.\d+)?/.exec(value)?.[0] ?? '') : value
  return typeof amount === 'number' && Number.isFinite(amount) && amount >= 0 ? amount : undefined
}

const textOf = (value: unknown): string | undefined =>
  typeof value === 'string' && /^[ -~]{1,80}$/.test(value) && value !== 'N/A' ? value : undefined

// What amd-smi calls MB is MiB.
const mebibytesOf = (value: unknown): number | undefined => {
  const amount = numberOf(value)
  return amount ? amount * 2 ** 20 : undefined
}

const hexOf = (value: unknown, digits: number): string | undefined => {
  const number = typeof value === 'number' ? value : Number.parseInt(/^0x([\da-f]{1,4})$/i.exec(String(value))?.[1] ?? '', 16)
  return Number.isInteger(number) && number >= 0 ? number.toString(16).padStart(digits, '0') : undefined
}

const addressOf = (value: unknown): string | undefined =>
  /^[\da-f]{4}:[\da-f]{2}:[\da-f]{2}\.[0-7]$/i.exec(String(value))?.[0].toLowerCase()

const gfxOf = (value: unknown): string | undefined => {
  if (typeof value === 'number') return decodeGfx(value)
  const [name] = /^gfx[\da-f]{3,4}/.exec(String(value)) ?? []
  return name
}

const modeOf = (value: unknown): string | undefined => /^(?:[SDTQC]PX|NPS[1248])$/.exec(String(value))?.[0]
