import type { Cause } from './cause.ts'
import { pullAgain } from './causes-model.ts'

/** An error that comes back whenever the same is tried: what was asked for is wrong, not the moment. */
const wrong =
  /^(?:\w+\.)*(?:(?:Value|Type|Key|Index|Attribute|Assertion|NotImplemented|Import|ModuleNotFound|Name|Syntax|ZeroDivision|Overflow|ArgumentType|Lookup|Validation|VLLMValidation|JSONDecode|UnicodeDecode|TemplateSyntax)Error|Exception)\b.*/
/** Any error of Python's or of a library's. */
const any = /^(?:\w+\.)*\w*(?:Error|Exception)\b.*/

/** The whole of a pattern's text as the group `what`. */
const what = ({ source }: RegExp): RegExp => new RegExp(`(?<what>${source})`)

/**
 * What an error that nobody foresaw is about, by the part of the engine that raised it. The frames are read as a whole, and the parts that
 * are reached through others come first. Paths are those of vLLM 0.23 to 0.32, transformers 5 and torch 2.13.
 */
export const stageCauses: readonly Cause[] = [
  {
    cause: 'connector',
    pattern: what(wrong),
    within: /\/(?:kv_transfer|ec_transfer|kv_offload|kv_events|aux_output_connector)\b/,
    sentence: 'the KV connector cannot be set up: $<what>',
    fix: 'correct or leave out "kv-transfer-config", "kv-events-config" and "kv-offloading-size" in AIM_ENGINE_ARGS',
    remedy: 'configure',
    weight: 'stage',
  },
  {
    cause: 'speculative-decoding',
    pattern: what(wrong),
    within: /\/spec_decode\/|\/config\/speculative\.py|in create_speculative_config\b/,
    sentence: 'speculative decoding cannot be set up: $<what>',
    fix: 'correct or leave out "speculative-config" in AIM_ENGINE_ARGS; it names a method that the model has, a draft model in the cache, and num_speculative_tokens',
    remedy: 'configure',
    weight: 'stage',
  },
  {
    cause: 'adapter',
    pattern: what(wrong),
    within: /\/vllm\/lora\/|in init_static_loras\b/,
    sentence: 'LoRA adapters cannot be set up: $<what>',
    fix: 'correct "lora-modules", "max-lora-rank" and "max-loras" in AIM_ENGINE_ARGS, or leave out "enable-lora"',
    remedy: 'configure',
    weight: 'stage',
  },
  {
    cause: 'no-tokenizer',
    pattern: what(any),
    within: /\/tokenizers?\/|tokenization_|in (?:get_tokenizer|cached_tokenizer_from_config|init_tokenizer_from_configs?)\b/,
    sentence: 'the tokenizer cannot be read: $<what>',
    fix: `tokenizer.json or tokenizer_config.json is damaged or of another model: ${pullAgain}`,
    remedy: 'configure',
    weight: 'stage',
  },
  {
    cause: 'no-processor',
    pattern: what(any),
    within: /\/multimodal\/|processing_\w+\.py|_processor\.py|in (?:cached_)?get_(?:image_|video_|feature_)?processor\b/,
    sentence: 'the processor for images, video or sound cannot be set up: $<what>',
    fix: `preprocessor_config.json is missing or of another model: ${pullAgain}; for text alone: AIM_ENGINE_ARGS='{"language-model-only": true}'`,
    remedy: 'configure',
    weight: 'stage',
  },
  {
    cause: 'quantization',
    pattern: what(wrong),
    within: /\/quantization\/|compressed_tensors/,
    sentence: 'the quantization of these weights cannot be set up here: $<what>',
    fix: 'choose another checkpoint of this model in AIM_MODEL_ID or another AIM_PRECISION, and leave "quantization" out of AIM_ENGINE_ARGS',
    remedy: 'configure',
    weight: 'stage',
  },
  {
    cause: 'compile-failed',
    pattern: what(any),
    within: /\/torch\/_(?:dynamo|inductor|functorch)\/|\/vllm\/compilation\/(?!decorators)|in (?:capture_model|_capture_cudagraphs)\b/,
    sentence: 'torch.compile or the capture of graphs failed: $<what>',
    fix: 'AIM_ENGINE_ARGS=\'{"enforce-eager": true}\' does without both; remove what VLLM_CACHE_ROOT holds when a cache may be damaged',
    remedy: 'configure',
    weight: 'stage',
  },
  {
    cause: 'wrong-task',
    pattern: what(wrong),
    within: /\/models\/adapters\.py/,
    sentence: 'the model cannot be converted to this use: $<what>',
    fix: 'leave "runner", "convert" and "pooler-config" out of AIM_ENGINE_ARGS: an embedding model wants "runner": "pooling", a chat model "generate"',
    remedy: 'configure',
    weight: 'stage',
  },
  {
    cause: 'collective',
    pattern: what(any),
    within: /\/torch\/distributed\/|in (?:init_worker_distributed_environment|init_distributed_environment|init_process_group)\b/,
    sentence: 'the processes of the engine could not be joined: $<what>',
    fix: 'VLLM_HOST_IP is an address of this container; several nodes: master-addr and master-port; NCCL_DEBUG=INFO and GLOO_SOCKET_IFNAME say and choose more',
    remedy: 'retry',
    weight: 'stage',
  },
  {
    cause: 'attention-backend',
    pattern: what(wrong),
    within: /\/attention\/(?:backends|selector|layers?)\b|in (?:get_attn_backend|_cached_get_attn_backend)\b/,
    sentence: 'no attention kernel can be set up: $<what>',
    fix: 'leave "attention-backend" (and VLLM_ATTENTION_BACKEND), "kv-cache-dtype" and "block-size" out of AIM_ENGINE_ARGS',
    remedy: 'configure',
    weight: 'stage',
  },
  {
    cause: 'first-pass',
    pattern: what(any),
    within: /in (?:profile_run|determine_available_memory|_dummy_run|_dummy_sampler_run|compile_or_warm_up_model|kernel_warmup)\b/,
    sentence: 'the first pass through the model failed: $<what>',
    fix: 'choose another precision (AIM_PRECISION) or "attention-backend", or AIM_ENGINE_ARGS=\'{"enforce-eager": true}\'; with the newest image report it to vLLM',
    remedy: 'retry',
    weight: 'stage',
  },
  {
    cause: 'kv-cache',
    pattern: what(wrong),
    within: /\/(?:kv_cache_\w+|block_pool|single_type_kv_cache_manager)\.py|in (?:_initialize_kv_caches|initialize_kv_cache\w*)\b/,
    sentence: 'the KV cache cannot be laid out: $<what>',
    fix: 'leave "block-size", "kv-cache-dtype", "num-gpu-blocks-override" and "prefix-match-unit" out of AIM_ENGINE_ARGS',
    remedy: 'configure',
    weight: 'stage',
  },
  {
    cause: 'weights-mismatch',
    pattern: what(wrong),
    within: /in (?:load_weights|\w*weights_iterator|weight_loader|_load_module)\b|\/weight_utils\.py|\/safetensors\//,
    sentence: 'the weights cannot be loaded: $<what>',
    fix: `use the config.json that belongs to these weights; ${pullAgain}`,
    remedy: 'configure',
    weight: 'stage',
  },
  {
    cause: 'config-validation',
    pattern: what(wrong),
    within: /\/vllm\/distributed\/(?:weight_transfer|eplb)\//,
    sentence: 'the engine refused its configuration: $<what>',
    fix: 'correct or leave out "weight-transfer-config" and "eplb-config" in AIM_ENGINE_ARGS',
    remedy: 'configure',
    weight: 'stage',
  },
  {
    cause: 'bad-config',
    pattern: what(wrong),
    within:
      /\/(?:model_loader|model_executor|transformers|transformers_utils|huggingface_hub)\/|in (?:load_model|initialize_model|get_config)\b/,
    sentence: 'the model cannot be built from its config.json: $<what>',
    fix: `use the config.json that belongs to these weights; ${pullAgain}; "hf-overrides" in AIM_ENGINE_ARGS can replace single values`,
    remedy: 'configure',
    weight: 'stage',
  },
  {
    cause: 'device',
    pattern: what(any),
    within: /\/vllm\/platforms\/|in (?:init_device|check_and_update_config)\b|ompmultiprocessing\.py|numa_utils\.py/,
    sentence: 'the engine cannot set up its device: $<what>',
    fix: '`aim gpus` says what this machine has; leave VLLM_CPU_OMP_THREADS_BIND, VLLM_CPU_NUM_OF_RESERVED_CPU and "numa-bind" out unless this machine needs them',
    remedy: 'configure',
    weight: 'stage',
  },
  {
    cause: 'config-validation',
    pattern: what(wrong),
    within:
      /\/vllm\/(?:config\/|engine\/arg_utils\.py|envs\.py|utils\/argparse_utils\.py|entrypoints\/cli\/|v1\/executor\/abstract\.py|v1\/structured_output\/)|in (?:create_engine_config|validate_parsed_serve_args|get_scheduler_cls)\b/,
    sentence: 'the engine refused its configuration: $<what>',
    fix: 'correct in AIM_ENGINE_ARGS, AIM_ENGINE_EXTRA_ARGS or the profile what the sentence names',
    remedy: 'configure',
    weight: 'stage',
  },
  {
    cause: 'api-server',
    pattern: what(wrong),
    within: /\/(?:entrypoints|uvicorn|fastapi|starlette)\//,
    sentence: 'the API server of the engine cannot be set up: $<what>',
    fix: 'correct or leave out of AIM_ENGINE_ARGS what belongs to it: "middleware", "chat-template", "allowed-origins", "root-path", "ssl-*", parsers',
    remedy: 'configure',
    weight: 'stage',
  },
]
