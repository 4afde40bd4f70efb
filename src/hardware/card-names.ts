/** Cards by the names that people and published logs use for them. */
import { gib } from '../std/bytes.ts'
import { type Card, cardOf } from './cards.ts'

/** A card that a plan may be imagined on. `gfx` is `cuda` for other vendors'; `unified`: its memory is the host's. */
export type NamedCard = Card & { readonly unified?: true }

/**
 * Other vendors' cards, so that starts published on them can be replayed: GiB that torch reports as their whole memory
 * (`torch.cuda.get_device_properties().total_memory`, as the logs of published starts and the vendors' sizes have it).
 */
const others: readonly (readonly [RegExp, product: string, gib: number, unified?: true])[] = [
  [/a100.*40/i, 'A100 40GB', 39.49],
  [/a100/i, 'A100 80GB', 79.25],
  [/gh200.*96|h100.*(?:96|94)/i, 'H100 96GB', 94.5],
  [/h100/i, 'H100 80GB', 79.18],
  [/h200/i, 'H200', 139.8],
  [/gb300|b300/i, 'B300', 267.7],
  [/gb200|b200/i, 'B200', 178.35],
  [/gb10\b|dgx spark/i, 'GB10', 119.7, true],
  [/rtx ?pro ?6000/i, 'RTX PRO 6000', 94.97],
  [/rtx ?5090/i, 'RTX 5090', 31.36],
  [/rtx ?4090/i, 'RTX 4090', 23.52],
  [/rtx ?3090/i, 'RTX 3090', 23.56],
  [/rtx ?5000 ?ada/i, 'RTX 5000 Ada', 31.48],
  [/rtx ?6000 ?ada/i, 'RTX 6000 Ada', 47.4],
  [/a6000/i, 'A6000', 47.4],
  [/l40s?\b/i, 'L40S', 44.4],
  [/\bl4\b/i, 'L4', 22],
]

const otherCardOf = (name: string): NamedCard | undefined => {
  const row = others.find(([pattern]) => pattern.test(name))
  if (row === undefined) return undefined
  const [, product, size, unified] = row
  return { product, gfx: 'cuda', vramBytes: gib(size), ...(unified === undefined ? {} : { unified }) }
}

/**
 * The card that a name means: AMD's own (`MI300X`, in any case), inside a marketing name (`AMD Radeon AI PRO R9700`, `Radeon RX 7900 XTX`),
 * or another vendor's; undefined when none is recognised.
 */
export const cardNamed = (name: string): NamedCard | undefined => {
  const words = name.split(/[\s,()/-]+/).filter((word) => word !== '')
  // The longest run of words first: RX 7900 XTX is not an RX 7900.
  for (let length = Math.min(3, words.length); length > 0; length--) {
    for (let at = 0; at + length <= words.length; at++) {
      const card = cardOf(words.slice(at, at + length).join(''))
      if (card !== undefined) return card.product === 'MI300A' ? { ...card, unified: true } : card
    }
  }
  return otherCardOf(name)
}

/** Instruction set of a GPU that has no card here but a name: its own, an Instinct's for AMD's data-centre names, RDNA 3 for other Radeons. */
export const gfxFor = (name: string): string => {
  const own = /gfx[0-9a-f]{3,4}/i.exec(name)?.[0].toLowerCase()
  if (own !== undefined) return own
  if (/instinct|\bMI\d{3}/i.test(name)) return /MI35/i.test(name) ? 'gfx950' : 'gfx942'
  return /radeon|ryzen|strix|\bamd\b/i.test(name) ? 'gfx1100' : 'cuda'
}
