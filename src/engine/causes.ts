/** One known way to fail: what the log says, what it means, what to do. */
export type Cause = {
  /** Stable name, a metric label. */
  readonly cause: string
  readonly pattern: RegExp
  /** May use `$<name>` of the pattern's groups. */
  readonly sentence: string
  readonly fix: string
  readonly permanent: boolean
  /** It can also end an engine that was serving; the others are read only of one that never became ready, whose log holds no user's text. */
  readonly whileServing?: true
}

/**
 * Known causes in the order of trust: what names a root cause stands before what only wraps one. Fragments were seen in vLLM 0.23 to
 * 0.32 (own runs of failed starts on the CPU build, and the sources of 0.28 for those that need a GPU).
 */
export const causes: readonly Cause[] = [
  {
    cause: 'bad-argument',
    pattern: /error: (?<what>unrecognized arguments: .*|argument .*|.*invalid choice: .*|.*expected .* argument.*)/,
    sentence: 'the engine refused its command line: $<what>',
    fix: 'correct AIM_ENGINE_ARGS, AIM_ENGINE_EXTRA_ARGS or the profile; `vllm serve --help=all` lists what this engine takes',
    permanent: true,
  },
  {
    cause: 'context-too-long',
    pattern: /User-specified max_model_len \((?<asked>\d+)\) is greater than the derived max_model_len/,
    sentence: 'the context asked for ($<asked> tokens) is longer than the model allows',
    fix: 'lower max-model-len to what the model was made for',
    permanent: true,
  },
  {
    cause: 'kv-cache-too-small',
    pattern: /max seq len \((?<len>\d+)\).{0,300}?estimated maximum model length is (?<fits>\d+)/,
    sentence: 'the KV cache cannot hold one request of $<len> tokens; $<fits> tokens would fit',
    fix: 'set max-model-len to $<fits> or less, use an fp8 KV cache, or more GPUs',
    permanent: true,
  },
  {
    cause: 'kv-cache-too-small',
    pattern: /No available memory for the cache blocks|Cannot auto-fit max_model_len/,
    sentence: 'weights and activations leave no memory for a KV cache',
    fix: 'use more GPUs, a quantized checkpoint, a smaller max-num-batched-tokens, or a higher gpu-memory-utilization',
    permanent: true,
  },
  {
    cause: 'memory-held',
    pattern: /Free memory on device \S+ \((?<free>[\d.]+)\/(?<total>[\d.]+) GiB\) on startup is less than desired/,
    sentence: 'only $<free> of $<total> GiB of GPU memory were free at the start',
    fix: 'end what else uses this GPU (`aim gpus` shows how much is held), or lower gpu-memory-utilization',
    permanent: false,
  },
  {
    cause: 'memory-held',
    pattern: /Available memory on node \d+ \((?<free>[\d.]+)\/(?<total>[\d.]+) GiB\) on startup is less than desired/,
    sentence: 'only $<free> of $<total> GiB of host memory were free at the start',
    fix: 'set VLLM_CPU_KVCACHE_SPACE (GiB) to less than what is free, or free memory',
    permanent: true,
  },
  {
    cause: 'out-of-memory',
    whileServing: true,
    pattern: /(?:HIP|CUDA) out of memory|not enough GPU memory/,
    sentence: 'the GPU ran out of memory',
    fix: 'use more GPUs, a quantized checkpoint, or lower gpu-memory-utilization, max-num-seqs or max-num-batched-tokens',
    permanent: false,
  },
  {
    cause: 'unknown-architecture',
    pattern: /Model architectures \[(?<what>[^\]]*)\] (?:are not supported|failed to be inspected)|does not recognize this architecture/,
    sentence: 'this engine does not know the model architecture $<what>',
    fix: 'use an image with a newer engine, or another model',
    permanent: true,
  },
  {
    cause: 'bad-config',
    pattern: /It looks like the config file at .{1,300} is not a valid JSON file/,
    sentence: "the model's config.json is not valid JSON",
    fix: 'fetch the model again (`aim cache pull`), or mend the file',
    permanent: true,
  },
  {
    cause: 'corrupt-weights',
    pattern: /SafetensorError: Error while deserializing header: (?<what>.*)/,
    sentence: 'a weight file is damaged: $<what>',
    fix: 'delete that file from the cache and pull the model again',
    permanent: true,
  },
  {
    cause: 'shape-mismatch',
    pattern: /start \(\d+\) \+ length \(\d+\) exceeds dimension size|size mismatch for/,
    sentence: 'the weights do not have the shapes that config.json announces',
    fix: 'use the config.json that belongs to these weights; pull the model again when unsure',
    permanent: true,
  },
  {
    cause: 'missing-file',
    pattern:
      /LocalEntryNotFoundError|outgoing traffic has been disabled|does not appear to have a file named (?<what>\S+)|Cannot find any model weights/,
    sentence: 'a file that the engine needs is not in the cache $<what>',
    fix: 'pull the whole model; a draft model, adapter or processor named by its hub id must be in the cache as well',
    permanent: true,
  },
  {
    cause: 'no-tokenizer',
    pattern: /Couldn't instantiate the backend tokenizer/,
    sentence: 'the model directory holds no usable tokenizer',
    fix: 'add tokenizer.json, or name one by the argument tokenizer',
    permanent: true,
  },
  {
    cause: 'quantization',
    pattern: /Unknown quantization method: (?<what>\S+?)\.|quantization is currently not supported in rocm/,
    sentence: 'the quantization $<what> does not run in this engine',
    fix: 'use another checkpoint of this model (fp8, awq, gptq)',
    permanent: true,
  },
  {
    cause: 'gated',
    pattern: /Cannot access gated repo|You are trying to access a gated repo|(?:401|403) Client Error/,
    sentence: 'the hub refused access to a file',
    fix: 'set HF_TOKEN of an account that has accepted the licence',
    permanent: true,
  },
  {
    cause: 'port-busy',
    pattern: /\[Errno 98\] .*[Aa]ddress already in use/,
    sentence: "the engine's port is taken",
    fix: 'set AIM_PORT to a free port, or end what listens there',
    permanent: false,
  },
  {
    cause: 'no-gpu',
    pattern: /No HIP GPUs are available|Failed to infer device type|Unable to open \/dev\/kfd/,
    sentence: 'the engine found no GPU that it may use',
    fix: 'give the container /dev/kfd and /dev/dri and the group that owns them; `aim gpus` says what is missing',
    permanent: true,
  },
  {
    cause: 'mask-conflict',
    pattern: /Inconsistent GPU visibility env vars|HIP_VISIBLE_DEVICES=.* vs CUDA_VISIBLE_DEVICES/,
    sentence: 'HIP_VISIBLE_DEVICES and CUDA_VISIBLE_DEVICES disagree',
    fix: 'set only HIP_VISIBLE_DEVICES',
    permanent: true,
  },
  {
    cause: 'heads-not-divisible',
    pattern: /Total number of attention heads \((?<heads>\d+)\) must be divisible by tensor parallel size \((?<tp>\d+)\)/,
    sentence: "the model's $<heads> attention heads cannot be split over $<tp> GPUs",
    fix: 'choose a GPU count that divides them (AIM_GPU_COUNT)',
    permanent: true,
  },
  {
    cause: 'shm',
    pattern: /Insufficient space in \/dev\/shm|Error while creating shared memory segment \/dev\/shm/,
    sentence: '/dev/shm is too small',
    fix: 'docker: --shm-size 16g (or --ipc=host); Kubernetes: an emptyDir with medium Memory at /dev/shm',
    permanent: true,
  },
  {
    cause: 'disk-full',
    whileServing: true,
    pattern: /No space left on device/,
    sentence: 'a disk is full',
    fix: 'free space, or give the cache a larger volume',
    permanent: false,
  },
  {
    cause: 'adapter-missing',
    pattern: /LoRAAdapterNotFoundError: (?<what>.*)/,
    sentence: 'a LoRA adapter was not found: $<what>',
    fix: 'give the adapter as a path that exists in the container',
    permanent: true,
  },
  {
    cause: 'batched-tokens-too-small',
    pattern: /max_num_batched_tokens \((?<batched>\d+)\) is smaller than max_model_len \((?<len>\d+)\)/,
    sentence: 'max-num-batched-tokens ($<batched>) is smaller than max-model-len ($<len>) while chunked prefill is off',
    fix: 'raise max-num-batched-tokens, lower max-model-len, or enable chunked prefill',
    permanent: true,
  },
  {
    cause: 'compiler-missing',
    pattern: /fatal error: Python\.h: No such file|CppCompileError/,
    sentence: 'the engine compiles at start and found no compiler or headers',
    fix: 'use the full image (gcc, g++, python3-dev), or set enforce-eager',
    permanent: true,
  },
  {
    cause: 'remote-code',
    pattern: /pass the argument `?trust_remote_code=True|--trust-remote-code|Do you wish to run the custom code/,
    sentence: 'the model brings code of its own, which is not run unless you say so',
    fix: 'when you trust it: AIM_ENGINE_ARGS=\'{"trust-remote-code": true}\'',
    permanent: true,
  },
  {
    cause: 'collective',
    whileServing: true,
    pattern: /NCCL error|unhandled (?:system|cuda) error|DistBackendError/,
    sentence: 'the GPUs could not talk to each other (RCCL)',
    fix: 'give the container more /dev/shm or --ipc=host; NCCL_DEBUG=INFO says more',
    permanent: false,
  },
  {
    cause: 'gpu-fault',
    whileServing: true,
    pattern: /Memory access fault by GPU node/,
    sentence: 'the GPU reported a memory access fault',
    fix: 'when it comes back: update driver and image together, and look at the kernel log of the node',
    permanent: false,
  },
  {
    cause: 'worker-died',
    whileServing: true,
    pattern: /Worker proc \S+ died unexpectedly \(exit code: (?<what>[^)]*)\)/,
    sentence: 'a worker process died (exit code $<what>)',
    fix: 'when it was killed by the kernel for memory, raise the memory limit; the lines below may say more',
    permanent: false,
  },
  {
    cause: 'config-validation',
    pattern: /Value error, (?<what>.{1,400}?)(?: \[type=value_error|$)/,
    sentence: 'the engine refused its configuration: $<what>',
    fix: 'correct the argument that the sentence names',
    permanent: true,
  },
  {
    cause: 'engine-core-died',
    whileServing: true,
    pattern: /EngineCore encountered a fatal error|engine core exited unexpectedly|Engine core initialization failed/,
    sentence: 'the engine core died',
    fix: 'the lines above it in the log say why; it is started again',
    permanent: false,
  },
]
