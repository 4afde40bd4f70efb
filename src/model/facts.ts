import type { Allocation } from './allocations.ts'
import type { Bounds } from './bounds.ts'
import type { CacheLayers } from './cache-layers.ts'
import type { Shape } from './weights-share.ts'
import type { WeightPart } from './weights-split.ts'

/** What kind of answer a model gives; decides the warm-up request. */
export type Task = 'generate' | 'embed' | 'classify' | 'score' | 'transcribe'

/** What memory follows from, as far as the architecture is understood. Everything is for the whole model, undivided. */
export type ModelShape = Shape & {
  /** Bytes of all weights by how an engine divides them; those of the files where these are known, else counted. */
  readonly parts: readonly WeightPart[]
  /** Where the bytes come from: every tensor's header, the files' sizes shared out as the architecture has it, or the architecture alone. */
  readonly source: 'headers' | 'files' | 'architecture'
  /** Its large tensors as the engine allocates them, which rounds their sizes up. */
  readonly allocations: readonly Allocation[]
  readonly cache: readonly CacheLayers[]
  /** The same with the draft layers that speculative decoding adds. */
  readonly draftCache: readonly CacheLayers[]
  /** Bytes of a cached element where the checkpoint says so (8-bit scales); 2 otherwise. */
  readonly cacheElementBytes: number
  /** Widths that activations follow from: the model's, and of all that one token passes in a feed-forward part. */
  readonly hidden: number
  readonly activeIntermediate: number
  readonly vocabulary: number
  readonly mixers: readonly string[]
  readonly hasTower: boolean
  /** Bytes of weights that one token is multiplied with. */
  readonly activeBytes: number
  /** Format of the experts' weights, where they have one of 4 bits that kernels pad. */
  readonly paddedExperts: boolean
}

/**
 * What a model is, read from its config.json and the sizes of its weights. Unknown is absent.
 * Sizes are bytes.
 */
export type ModelFacts = {
  /** `config.json`'s first architecture: `LlamaForCausalLM`. */
  readonly architecture?: string
  readonly task: Task
  /** dtype of the unquantized tensors as config.json names it: `bfloat16`. */
  readonly dtype?: string
  /** The checkpoint's quantization method: `fp8`, `awq`, `mxfp4` ... */
  readonly quantization?: string
  /** Number format of most of the weights, in the words of AIM_PRECISION: `bf16`, `fp8`, `int4` ... Absent where the checkpoint's own words are not understood. */
  readonly precision?: string
  /** Largest context the model was made for, in tokens. */
  readonly contextLength?: number
  /** Bytes of the weight files that the engine will load. */
  readonly weightsBytes?: number
  readonly layers?: number
  readonly hiddenSize?: number
  readonly attentionHeads?: number
  /** Heads of the KV cache that tensor parallelism can divide; 1 for MLA, whose one latent every GPU keeps whole. */
  readonly kvHeads?: number
  readonly headDim?: number
  readonly vocabSize?: number
  /** KV cache bytes that one token takes over all layers on one GPU at TP 1 in the model's dtype; absent where it is no constant or the architecture is not understood. */
  readonly kvBytesPerToken?: number
  /** Absent where the architecture is not understood: then only `weightsBytes` and `kvBytesPerToken` are known. */
  readonly shape?: ModelShape
  /** What the headers tell instead where it is absent and they are known. */
  readonly bounds?: Bounds
}
