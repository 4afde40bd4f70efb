/** Options that are the engine's own, passed on under their names. */
export const engineOptions: readonly (readonly [flags: string, description: string])[] = [
  ['--max-model-len <tokens>', 'tokens that one request must be able to hold: 32768, 32k (decimal), 32K (binary), auto'],
  ['--gpu-memory-utilization <share>', 'share of the GPU that the engine may claim'],
  ['--kv-cache-dtype <type>', 'auto, fp8, int8_per_token_head ...'],
  ['--dtype <type>', 'bfloat16, float16, float32'],
  ['--quantization <method>', "the checkpoint's own, or as a copy quantized by it would be: fp8, awq, gptq, mxfp4, nvfp4"],
  ['--tensor-parallel-size <n>', 'ways that every layer is divided; all GPUs when left out'],
  ['--pipeline-parallel-size <n>', 'stages'],
  ['--data-parallel-size <n>', 'copies'],
  ['--decode-context-parallel-size <n>', "ways that a request's KV cache is divided"],
  ['--max-num-seqs <n>', 'requests at once'],
  ['--max-num-batched-tokens <n>', 'tokens of one step'],
  ['--kv-cache-memory-bytes <size>', 'the KV cache itself, instead of what the utilization leaves'],
  ['--block-size <tokens>', 'of the KV cache'],
  ['--attention-backend <name>', 'ROCM_AITER_UNIFIED_ATTN has blocks of its own in hybrids'],
  ['--speculative-config <json>', 'draft layers and the tokens they guess'],
  ['--enable-expert-parallel', 'whole experts on each GPU'],
  ['--enforce-eager', 'no graphs'],
  ['--language-model-only', 'without vision and audio towers'],
]

/** What the command line holds, as commander read it: engine options by camel case. */
export type FitFlags = Readonly<Record<string, string | boolean | undefined>>
