/** What kind of answer a model gives; decides the warm-up request. */
export type Task = 'generate' | 'embed' | 'classify' | 'score' | 'transcribe'

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
  /** KV cache bytes that one token takes over all layers on one GPU at TP 1 in the model's dtype; absent where the architecture is not understood. */
  readonly kvBytesPerToken?: number
}
