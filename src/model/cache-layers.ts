/** What a model's layers keep of the tokens of a request, grouped by layers that keep the same. */

import type { Architecture, Mixer } from './architecture.ts'

/** Attention layers: bytes of a token follow from the sizes. A window or chunk bounds how many tokens a request keeps. */
export type AttentionLayers = {
  readonly kind: 'attention'
  readonly layers: number
  /** KV heads, which tensor parallelism divides as far as they go; 1 for a latent, which every GPU keeps whole. */
  readonly heads: number
  /** Elements of one head of one token: key and value, or the latent. */
  readonly elements: number
  readonly latent: boolean
  /** Bytes of a token beside the elements, whatever the cache's type (index keys). */
  readonly fixedBytes: number
  readonly window?: number
  readonly chunk?: number
}

/** Layers whose state does not grow with the request. Elements are counted undivided. */
export type StateLayers = {
  readonly kind: 'state'
  readonly layers: number
  /** Elements of one step of the convolution (2 bytes each), and the steps it looks back. */
  readonly convolution: number
  readonly steps: number
  /** Elements of the state and bytes of each. */
  readonly state: number
  readonly stateElementBytes: number
}

/** Layers of one kind. */
export type CacheLayers = AttentionLayers | StateLayers

/** Index keys of the sparse attention: 128 bytes and a 4-byte scale for every token (DeepSeek V3.2 and GLM-5, planner facts 2). */
const indexBytes = 132

/** The kinds of a decoder's layers and how many there are of each; layers that read another's cache keep nothing. */
export const cacheLayersOf = ({ layers }: Architecture): readonly CacheLayers[] => {
  const kinds = new Map<string, CacheLayers>()
  for (const { mixer } of layers) {
    const kept = keptBy(mixer)
    if (kept === undefined) continue
    const key = JSON.stringify(kept)
    const known = kinds.get(key)
    kinds.set(key, { ...kept, layers: (known?.layers ?? 0) + 1 })
  }
  return [...kinds.values()]
}

/** Of one layer. */
export const keptBy = (mixer: Mixer): CacheLayers | undefined => {
  if (mixer.kind === 'heads') {
    const { heads, keySize, valueSize, window, chunk } = mixer
    const bounds = { ...(window === undefined ? {} : { window }), ...(chunk === undefined ? {} : { chunk }) }
    return mixer.ownsCache
      ? { kind: 'attention', layers: 1, heads, elements: keySize + valueSize, latent: false, fixedBytes: 0, ...bounds }
      : undefined
  }
  if (mixer.kind === 'latent') {
    const fixedBytes = mixer.indexer === undefined ? 0 : indexBytes
    return { kind: 'attention', layers: 1, heads: 1, elements: mixer.rank + mixer.rope, latent: true, fixedBytes }
  }
  if (mixer.kind === 'delta') {
    const { keyHeads, valueHeads, keySize, valueSize, convolution, stateElementBytes } = mixer
    const width = 2 * keyHeads * keySize + valueHeads * valueSize
    return stateLayers(width, convolution, valueHeads * keySize * valueSize, stateElementBytes)
  }
  if (mixer.kind !== 'mamba') return undefined
  const { heads, headSize, groups, stateSize, convolution, stateElementBytes } = mixer
  return stateLayers(heads * headSize + 2 * groups * stateSize, convolution, heads * headSize * stateSize, stateElementBytes)
}

const stateLayers = (convolution: number, kernel: number, state: number, stateElementBytes: number): StateLayers => ({
  ...{ kind: 'state', layers: 1, convolution, steps: kernel - 1, state, stateElementBytes },
})
