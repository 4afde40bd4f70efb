/** What a product brings by itself: for plans of machines that are not this one. */
import { gib, mib } from '../std/bytes.ts'

/** One GPU as its driver would report it: `vramBytes` is what a whole, unpartitioned one may allocate. */
export type Card = { readonly product: string; readonly gfx: string; readonly vramBytes: number }

/**
 * Instruction set and nominal GiB by AMD's name (AMD's GPU specification tables). MI250X is one of its two dies, as the driver counts. Cards
 * sold in several sizes have the smallest.
 */
const nominal: Readonly<Record<string, readonly [gfx: string, gib: number]>> = {
  MI100: ['gfx908', 32],
  MI210: ['gfx90a', 64],
  MI250: ['gfx90a', 64],
  MI250X: ['gfx90a', 64],
  MI300A: ['gfx942', 128],
  MI300X: ['gfx942', 192],
  MI308X: ['gfx942', 192],
  MI325X: ['gfx942', 256],
  MI350X: ['gfx950', 288],
  MI355X: ['gfx950', 288],
  V620: ['gfx1030', 32],
  V710: ['gfx1101', 28],
  W6800: ['gfx1030', 32],
  W6800X: ['gfx1030', 32],
  W6900X: ['gfx1030', 32],
  W7800: ['gfx1100', 32],
  W7900: ['gfx1100', 48],
  R9600D: ['gfx1201', 32],
  R9700: ['gfx1201', 32],
  R9700S: ['gfx1201', 32],
  RX6800: ['gfx1030', 16],
  RX6900: ['gfx1030', 16],
  RX7900: ['gfx1100', 24],
  RX7900XTX: ['gfx1100', 24],
  RX7900XT: ['gfx1100', 20],
  RX7900GRE: ['gfx1100', 16],
  RX9060XT: ['gfx1200', 8],
  RX9070: ['gfx1201', 16],
  RX9070GRE: ['gfx1201', 12],
  RX9070XT: ['gfx1201', 16],
}

/** What the driver keeps of the nominal size: 16 MiB on MI210, MI300X and MI355X; 144 MiB on the R9700 (captures). */
const kept = (product: string): number => mib(product.startsWith('R9') ? 144 : 16)

/** The card of a product name in any case; undefined for names whose memory nobody has published. */
export const cardOf = (name: string): Card | undefined => {
  const product = name.toUpperCase()
  const [gfx, size] = nominal[product] ?? []
  return gfx === undefined || size === undefined ? undefined : { product, gfx, vramBytes: gib(size) - kept(product) }
}
