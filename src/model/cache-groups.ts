/**
 * How vLLM lays a KV cache out in blocks, and how many of them a request takes (vllm/v1/core/kv_cache_utils.py `get_kv_cache_groups`,
 * kv_cache_interface.py `max_memory_usage_bytes`, platforms/interface.py for hybrids; formulas in planner facts 2).
 */

import type { AttentionLayers, CacheLayers, StateLayers } from './cache-layers.ts'

/** What the layout depends on besides the layers. */
export type CacheSetup = {
  readonly tensor: number
  readonly pipeline: number
  /** Ways that a request's tokens are divided over GPUs (`--decode-context-parallel-size`). */
  readonly context: number
  /** Bytes of one element; 0.5 for 4 bits. */
  readonly elementBytes: number
  /** Bytes of scales for each head and token. */
  readonly headBytes: number
  /** Tokens of a block of full attention. */
  readonly blockSize: number
  /** Tokens that a hybrid's block must be a multiple of. */
  readonly alignment: number
  /** Tokens that may be under way beside a window. */
  readonly inFlight: number
  /** Tokens guessed ahead, which lengthen a state's history. */
  readonly speculative: number
  /** Whether a state is kept at a block's edge too, for prefix caching (`align`). */
  readonly alignedState: boolean
}

type Group = { readonly amount: number; readonly blocks: (tokens: number) => number }

/** A cache's layout: bytes of one block over all layers of a GPU, and the blocks that one request of so many tokens takes. */
export type Layout = {
  readonly blockBytes: number
  readonly blockSize: number
  readonly groups: number
  readonly blocksFor: (tokens: number) => number
}

const ceilDiv = (a: number, b: number): number => Math.ceil(a / b)

/** The layout; undefined for a model that keeps nothing. */
export const layoutOf = (layers: readonly CacheLayers[], setup: CacheSetup): Layout | undefined => {
  const staged = layers.map((kind) => ({ ...kind, layers: ceilDiv(kind.layers, setup.pipeline) }))
  const attention = staged.filter((kind) => kind.kind === 'attention')
  const states = staged.filter((kind) => kind.kind === 'state')
  if (staged.length === 0) return undefined
  const full = attention.every(({ window, chunk }) => window === undefined && chunk === undefined)
  return full && states.length === 0 ? uniform(attention, setup) : mixed(attention, states, setup)
}

/** Bytes of one token in one layer on one GPU. */
const tokenBytes = ({ heads, elements, fixedBytes }: AttentionLayers, { tensor, elementBytes, headBytes }: CacheSetup): number =>
  Math.max(1, Math.floor(heads / tensor)) * (elements * elementBytes + headBytes) + fixedBytes

/** Layers that all keep every token share one block table, whatever the size of their pages. */
const uniform = (attention: readonly AttentionLayers[], setup: CacheSetup): Layout => ({
  blockBytes: attention.reduce((sum, kind) => sum + kind.layers * tokenBytes(kind, setup), 0) * setup.blockSize,
  blockSize: setup.blockSize,
  groups: 1,
  blocksFor: (tokens) => ceilDiv(ceilDiv(tokens, setup.context), setup.blockSize),
})

/**
 * Layers of several kinds: pages are made equal, each kind is cut into groups of the same number of layers, and every group of a request
 * takes its own blocks from one pool.
 */
const mixed = (attention: readonly AttentionLayers[], states: readonly StateLayers[], setup: CacheSetup): Layout => {
  const largestToken = Math.max(1, ...attention.map((kind) => tokenBytes(kind, setup)))
  const stateBytes = Math.max(0, ...states.map((kind) => bytesOfState(kind, setup)))
  const fitted = setup.alignment * ceilDiv(stateBytes, setup.alignment * largestToken)
  const blockSize = stateBytes === 0 ? setup.blockSize : Math.max(setup.blockSize, fitted)
  const page = Math.max(blockSize * largestToken, stateBytes)
  const groups = [
    ...attention.map((kind): Group => ({ amount: kind.layers, blocks: blocksOf(kind, blockSizeOf(kind, page, blockSize, setup), setup) })),
    ...states.map(({ layers }): Group => ({ amount: layers, blocks: () => (setup.alignedState ? 2 : 1) + setup.speculative })),
  ]
  const size = groupSize(groups.map(({ amount }) => amount))
  return {
    blockBytes: page * size,
    blockSize,
    groups: groups.reduce((sum, { amount }) => sum + ceilDiv(amount, size), 0),
    blocksFor: (tokens) => groups.reduce((sum, { amount, blocks }) => sum + ceilDiv(amount, size) * blocks(tokens), 0),
  }
}

/** Layers of a group: as many as the rarest kind has, or as the commonest where they differ by less than half. */
const groupSize = (amounts: readonly number[]): number => {
  const [least, most] = [Math.min(...amounts), Math.max(...amounts)]
  return most < 1.5 * least ? most : least
}

/** Smaller pages become as large by holding more tokens, where that comes out even; else they are padded. */
const blockSizeOf = (kind: AttentionLayers, page: number, blockSize: number, setup: CacheSetup): number => {
  const own = tokenBytes(kind, setup) * blockSize
  return page % own === 0 ? blockSize * (page / own) : blockSize
}

const blocksOf =
  ({ window, chunk }: AttentionLayers, blockSize: number, { inFlight, context }: CacheSetup) =>
  (tokens: number): number => {
    if (window !== undefined) return ceilDiv(Math.min(window - 1 + inFlight, tokens), blockSize) + 1
    if (chunk !== undefined) return ceilDiv(Math.min(chunk + inFlight, tokens), blockSize)
    return ceilDiv(ceilDiv(tokens, context), blockSize)
  }

/** The convolution's last inputs in 16 bits and the state in its own type; both are divided over the GPUs. */
const bytesOfState = ({ convolution, steps, state, stateElementBytes }: StateLayers, { tensor, speculative }: CacheSetup): number =>
  ((steps + speculative) * convolution * 2 + state * stateElementBytes) / tensor

/** What a pool of `bytes` holds with requests of `tokens`: blocks, requests at once, and the size that vLLM logs for it. */
export const capacityOf = (layout: Layout, bytes: number, tokens: number, tokensFromBlocks: boolean) => {
  const blocks = Math.max(0, Math.floor(bytes / layout.blockBytes))
  const concurrency = blocks / Math.max(1, layout.blocksFor(tokens))
  // Until 0.20 the log counted the blocks of one group, since then the requests (#41069).
  const logged = tokensFromBlocks ? Math.floor(blocks / layout.groups) * layout.blockSize : Math.floor(concurrency * tokens)
  return { blocks, concurrency, tokens: logged }
}

/** The most tokens that one request may have with so many blocks, at most `limit`. More tokens never take fewer blocks, so halving finds it. */
export const largestRequest = (layout: Layout, blocks: number, limit: number): number => {
  if (layout.blocksFor(limit) <= blocks) return limit
  let [fits, fails] = [0, limit]
  while (fails - fits > 1) {
    const middle = Math.floor((fits + fails) / 2)
    if (layout.blocksFor(middle) <= blocks) fits = middle
    else fails = middle
  }
  return fits
}
