/** Processors with a GPU inside. */
import { isApuGfx } from './gfx.ts'
import { productOf } from './products.ts'

/** What tells whether a GPU's memory is the host's. */
export type MemoryFacts = {
  readonly deviceId: string | undefined
  readonly gfx: string | undefined
  /** What KFD lets it allocate. */
  readonly vramBytes: number | undefined
  /** The device's own memory: on an APU the carve-out that the firmware made. */
  readonly vramTotal: number | undefined
}

/**
 * Whether a GPU allocates from the host's memory. KFD's bank is then what the driver may take from the host, far more than the
 * device's own (on MI300A that is 0; on a Strix Halo with a large carve-out KFD reports the carve-out, and nothing is shared).
 * Twice is our threshold; other programs use four and eight times.
 */
export const sharesHostMemory = ({ deviceId, gfx, vramBytes, vramTotal }: MemoryFacts): boolean => {
  const product = productOf(deviceId)
  if (product !== undefined && !product.apu) return false
  if (vramBytes !== undefined && vramTotal !== undefined) return vramBytes > 2 * vramTotal
  return product?.apu === true || isApuGfx(gfx)
}
