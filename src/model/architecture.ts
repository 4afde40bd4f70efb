/** What a decoder is made of, layer by layer, in plain numbers: what weights and KV cache follow from. */

/** Attention that keeps keys and values of its own. Sizes are per head. */
export type Heads = {
  readonly kind: 'heads'
  readonly queries: number
  readonly heads: number
  readonly keySize: number
  readonly valueSize: number
  /** A gate as wide as the queries (Qwen3-Next and later). */
  readonly gated: boolean
  readonly bias: boolean
  /** False where an earlier layer's cache is read (Gemma 4 E2B, E4B). */
  readonly ownsCache: boolean
  /** Only so many of the last tokens are looked at. */
  readonly window?: number
  /** Only tokens of the same stretch of so many are looked at (Llama 4). */
  readonly chunk?: number
}

/** Multi-head latent attention: one latent of `rank` and a rotary part of `rope` is kept of each token. */
export type Latent = {
  readonly kind: 'latent'
  readonly queries: number
  readonly queryRank?: number
  readonly rank: number
  readonly rope: number
  readonly nope: number
  readonly valueSize: number
  /** The sparse attention's index keys (DeepSeek V3.2, GLM-5), where this layer computes them. */
  readonly indexer?: { readonly heads: number; readonly size: number }
}

/** Linear attention with a matrix as state (Gated DeltaNet, KDA). */
export type Delta = {
  readonly kind: 'delta'
  readonly keyHeads: number
  readonly valueHeads: number
  readonly keySize: number
  readonly valueSize: number
  readonly convolution: number
  /** Bytes of one element of the state. */
  readonly stateElementBytes: number
}

/** A Mamba 2 state space. */
export type Mamba = {
  readonly kind: 'mamba'
  readonly heads: number
  readonly headSize: number
  readonly groups: number
  readonly stateSize: number
  readonly convolution: number
  readonly stateElementBytes: number
}

/** How a layer mixes tokens; `none` for layers that are a feed-forward part alone. */
export type Mixer = Heads | Latent | Delta | Mamba | { readonly kind: 'none' }

/** A layer's feed-forward part: a dense one, experts, or both (Gemma 4 26B). Absent numbers mean that there is none. */
export type Feed = {
  readonly dense?: number
  /** Three matrices instead of two. */
  readonly gated: boolean
  readonly experts?: {
    readonly count: number
    readonly size: number
    readonly active: number
    /** Width of the experts that see every token; 0 without. */
    readonly shared: number
    /** What the routed experts read and write where it is narrower than the model (Nemotron 3 Super). */
    readonly latent?: number
  }
}

/** One layer. */
export type Layer = { readonly mixer: Mixer; readonly feed: Feed }

/** A vision or audio tower. */
export type Tower = {
  readonly layers: number
  readonly hidden: number
  readonly intermediate: number
  /** Three matrices instead of two in its feed-forward parts. */
  readonly gated: boolean
  /** Patches that are merged into one token. */
  readonly merged: number
}

/** A whole decoder. `rotary` are the tables of positions that are kept beside the weights. */
export type Architecture = {
  readonly hidden: number
  readonly vocabulary: number
  /** The head is the embedding. */
  readonly tied: boolean
  readonly layers: readonly Layer[]
  readonly rotary: readonly { readonly positions: number; readonly size: number }[]
  readonly tower?: Tower
  /** Layers that only speculative decoding loads. */
  readonly draftLayers: number
  /** Width of the per-layer embedding (Gemma 4 E2B, E4B) and its rows. */
  readonly layerEmbedding?: { readonly size: number; readonly rows: number }
}
