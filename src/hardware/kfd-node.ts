/** One KFD topology node, decoded. */
import { defined } from './defined.ts'
import { decodeGfx } from './gfx.ts'
import type { Gpu } from './inventory.ts'
import { decodeLocation, type PciLocation } from './pci.ts'
import { peakBandwidth, productOf } from './products.ts'
import { idOf, noProperties, numberOf, type Properties, positiveOf } from './properties.ts'
import { uuidOf } from './visible-devices.ts'

/** What KFD alone says about a GPU: an inventory entry without its place among the usable ones, and the fields of DRM still open. */
export type KfdGpu = Omit<Gpu, 'index'>

/** The files of one node, as far as they could be read. */
export type NodeFiles = {
  readonly node: number
  /** Undefined when the file could not be read. */
  readonly gpuId?: number
  readonly properties: Properties
  /** Its memory bank; KFD writes exactly one for a GPU. */
  readonly bank?: Properties
}

/**
 * Whether a node is a GPU: by gpu_id where it is there; else by what only GPUs have; else, for edited trees, by AMD's vendor id
 * (4098) and a render node.
 */
export const isGpu = ({ gpuId, properties }: Pick<NodeFiles, 'gpuId' | 'properties'>): boolean => {
  if (gpuId !== undefined) return gpuId !== 0
  if (positiveOf(properties, 'gfx_target_version') || positiveOf(properties, 'simd_count')) return true
  return numberOf(properties, 'vendor_id') === 4098 && renderMinorOf(properties) !== undefined
}

/** Decodes a GPU node; what is missing or makes no sense is left out. */
export const decodeNode = ({ node, gpuId, properties, bank = noProperties }: NodeFiles): KfdGpu => {
  const deviceId = positiveOf(properties, 'device_id')?.toString(16).padStart(4, '0')
  const location = locationOf(properties)
  const uniqueId = idOf(properties, 'unique_id')
  const product = productOf(deviceId)
  return defined<KfdGpu>({
    node,
    gpuId,
    renderMinor: renderMinorOf(properties),
    pci: location?.address,
    package: location?.package,
    deviceId,
    gfx: decodeGfx(numberOf(properties, 'gfx_target_version') ?? 0) ?? product?.gfx,
    computeUnits: computeUnitsOf(properties),
    xcc: positiveOf(properties, 'num_xcc'),
    vramBytes: positiveOf(bank, 'size_in_bytes') ?? positiveOf(properties, 'local_mem_size'),
    memoryBandwidth: bandwidthOf(bank, deviceId),
    uniqueId,
    uuid: uniqueId === undefined ? undefined : uuidOf({ uniqueId }),
    hiveId: idOf(properties, 'hive_id'),
  })
}

// In domain 0 that address is the host bridge; guests of some clouds have a domain for each GPU, which is then at 00:00.0 of it.
const locationOf = (properties: Properties): PciLocation | undefined => {
  const id = numberOf(properties, 'location_id')
  const domain = numberOf(properties, 'domain')
  return id === undefined || (id === 0 && !domain) ? undefined : decodeLocation(id, domain)
}

// libhsakmt takes 128 to 255 only.
const renderMinorOf = (properties: Properties): number | undefined => {
  const minor = numberOf(properties, 'drm_render_minor')
  return minor !== undefined && minor >= 128 && minor <= 255 ? minor : undefined
}

const computeUnitsOf = (properties: Properties): number | undefined => {
  const simds = positiveOf(properties, 'simd_count')
  const perUnit = positiveOf(properties, 'simd_per_cu')
  return simds === undefined || perUnit === undefined ? undefined : Math.floor(simds / perUnit)
}

const bandwidthOf = (bank: Properties, deviceId: string | undefined): number | undefined => {
  const memory = productOf(deviceId)?.memory
  const width = positiveOf(bank, 'width')
  const clock = positiveOf(bank, 'mem_clk_max')
  return memory === undefined || width === undefined || clock === undefined ? undefined : peakBandwidth(memory, width, clock)
}
