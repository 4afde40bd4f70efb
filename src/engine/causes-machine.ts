import type { Cause } from './cause.ts'

const lessMemory = 'lower gpu-memory-utilization, max-num-seqs or max-num-batched-tokens in AIM_ENGINE_ARGS'

/** Failures of what the engine runs on: memory, GPUs, links between GPUs. */
export const machineCauses: readonly Cause[] = [
  {
    cause: 'kv-cache-too-small',
    pattern:
      /max seq len \((?<len>\d+)\), \((?<need>[\d.]+ GiB) KV cache is needed.{0,200}?available KV cache memory \((?<free>-?[\d.]+ GiB)\)(?:.{0,200}?estimated maximum model length is (?<fits>\d+))/s,
    sentence: 'one request of $<len> tokens needs $<need> of KV cache and there are $<free>; $<fits> tokens would fit',
    fix: 'set AIM_MAX_MODEL_LEN=$<fits> or less; or an fp8 KV cache (AIM_ENGINE_ARGS=\'{"kv-cache-dtype": "fp8"}\'), more GPUs, on a CPU more VLLM_CPU_KVCACHE_SPACE',
    remedy: 'configure',
    fitsContext: true,
  },
  {
    cause: 'kv-cache-too-small',
    pattern: /max seq len \((?<len>\d+)\).{0,400}?estimated maximum model length is (?<fits>\d+)/s,
    sentence: 'the KV cache cannot hold one request of $<len> tokens; $<fits> tokens would fit',
    fix: 'set AIM_MAX_MODEL_LEN=$<fits> or less, use an fp8 KV cache, or more GPUs',
    remedy: 'configure',
    fitsContext: true,
  },
  {
    cause: 'kv-cache-too-small',
    pattern: /max seq len \((?<len>\d+)\).{0,100}KV cache/s,
    sentence: 'the KV cache cannot hold one request of $<len> tokens',
    fix: 'lower AIM_MAX_MODEL_LEN, use an fp8 KV cache, or more GPUs',
    remedy: 'configure',
  },
  {
    cause: 'kv-cache-too-small',
    pattern: /No available memory for the cache blocks|Cannot auto-fit max_model_len/,
    sentence: 'weights and activations leave no memory for a KV cache',
    fix: 'use more GPUs (AIM_GPU_COUNT), a quantized checkpoint, a smaller max-num-batched-tokens, or a higher gpu-memory-utilization; on a CPU set VLLM_CPU_KVCACHE_SPACE to the GiB it may take; leave num-gpu-blocks-override and kv-cache-memory-bytes out',
    remedy: 'configure',
  },
  {
    cause: 'too-many-sequences',
    pattern:
      /max_num_seqs \((?<asked>\d+)\) exceeds available Mamba cache blocks \((?<fits>\d+)\)|out of memory occurred when warming up sampler with (?<rows>\d+) dummy requests/,
    sentence: 'max-num-seqs $<asked> $<rows> is more than fits $<fits>',
    fix: 'AIM_ENGINE_ARGS=\'{"max-num-seqs": 64}\' or what fits',
    remedy: 'configure',
  },
  {
    cause: 'memory-held',
    pattern:
      /Free memory on device \S+ \((?<free>[\d.]+)\/(?<total>[\d.]+) GiB\) on startup is less than .*?(?:utilization|weights)\s+\((?<asked>[\d.]+), (?<want>[\d.]+) GiB\)/s,
    sentence: 'only $<free> of $<total> GiB of GPU memory were free at the start, and gpu-memory-utilization $<asked> wants $<want> GiB',
    fix: 'end what else uses this GPU (`aim gpus` shows how much is held), or lower gpu-memory-utilization in AIM_ENGINE_ARGS',
    remedy: 'try-later',
  },
  {
    cause: 'memory-held',
    pattern: /Error in memory profiling.*?[Ii]nitial free memory (?<before>[\d.]+ ?\w*).*?current free memory (?<after>[\d.]+ ?\w*)/s,
    sentence: 'GPU memory changed while it was measured (free before $<before>, after $<after>): another process came or went',
    fix: 'give the engine a GPU of its own; it is measured again at the next start',
    remedy: 'try-later',
  },
  {
    cause: 'host-memory',
    pattern:
      /Available memory on node \d+ \((?<free>[\d.]+)\/(?<total>[\d.]+) GiB\) on startup is less than desired CPU memory utilization \((?<asked>[\d.]+), (?<want>[\d.]+) GiB\)/,
    sentence: 'only $<free> of $<total> GiB of host memory were free, and a utilization of $<asked> wants $<want> GiB',
    fix: 'set VLLM_CPU_KVCACHE_SPACE (whole GiB) to less than what is free after the weights, or raise the memory limit',
    remedy: 'change-machine',
  },
  {
    cause: 'host-memory',
    pattern: /Available memory on node \d+ \((?<free>[\d.]+)\/(?<total>[\d.]+) GiB\) .*?requested memory for kv \((?<want>[\d.]+) GiB\)/,
    sentence: 'the KV cache was to take $<want> GiB of host memory, of which $<free> of $<total> GiB are free',
    fix: 'set VLLM_CPU_KVCACHE_SPACE (whole GiB) to less than what is free, or raise the memory limit',
    remedy: 'configure',
  },
  {
    cause: 'host-memory',
    pattern:
      /can't allocate memory: you tried to allocate (?<asked>\d+) bytes|\[Errno 12\] (?<errno>Cannot allocate memory)|^MemoryError|std::bad_alloc|cannot allocate memory for thread-local data|Cannot allocate memory \((?:os error )?12\)/m,
    sentence: 'the host refused memory to the engine (bytes at once: $<asked>)',
    fix: 'raise the memory limit of the container (and ulimit -v); on a CPU lower VLLM_CPU_KVCACHE_SPACE',
    remedy: 'change-machine',
  },
  {
    cause: 'host-oom-kill',
    whileServing: true,
    pattern: /^the kernel killed (?<count>\d+) for memory$/,
    sentence: 'the kernel killed the engine for want of host memory (oom_kill $<count> in this container)',
    fix: 'raise the memory limit of the container; less: no KV offload to the host (cpu-offload-gb, kv-offloading-size), a smaller VLLM_CPU_KVCACHE_SPACE',
    remedy: 'retry',
  },
  {
    cause: 'gpu-memory-at-load',
    pattern:
      /Failed to load model - not enough GPU memory|(?:HIP|CUDA) out of memory\. Tried to allocate (?<asked>[\d.]+ \w+).*?total capacity of (?<total>[\d.]+ \w+)/,
    within: /in (?:load_model|load_weights|initialize_model|create_weights|_load_model|process_weights_after_loading)\b/,
    sentence: 'the weights do not fit into the GPU ($<total>)',
    fix: 'use more GPUs (AIM_GPU_COUNT), a quantized checkpoint, or "cpu-offload-gb" in AIM_ENGINE_ARGS',
    remedy: 'change-machine',
  },
  {
    cause: 'gpu-memory-at-load',
    pattern: /Failed to load model - not enough GPU memory/,
    sentence: 'the weights do not fit into the GPU',
    fix: 'use more GPUs (AIM_GPU_COUNT), a quantized checkpoint, or "cpu-offload-gb" in AIM_ENGINE_ARGS',
    remedy: 'change-machine',
  },
  {
    cause: 'gpu-memory-at-capture',
    pattern: /(?:HIP|CUDA) out of memory/,
    within: /in (?:capture_model|_capture_cudagraphs|capture_graph\w*|capture)\b/,
    sentence: 'the GPU ran out of memory while graphs were captured',
    fix: `lower gpu-memory-utilization by 0.03, or max-cudagraph-capture-size, in AIM_ENGINE_ARGS; "enforce-eager": true does without graphs`,
    remedy: 'configure',
  },
  {
    cause: 'gpu-memory',
    whileServing: true,
    pattern:
      /^(?:\S*OutOfMemoryError|RuntimeError)?:? ?.{0,40}(?:HIP|CUDA) out of memory(?:\. Tried to allocate (?<asked>[\d.]+ \w+))?|HIP error: out of memory|hipErrorOutOfMemory/,
    sentence: 'the GPU ran out of memory (wanted at once: $<asked>)',
    fix: `${lessMemory}; or use more GPUs or a quantized checkpoint`,
    remedy: 'retry',
  },
  {
    cause: 'no-kfd-permission',
    pattern: /Unable to open \/dev\/kfd.*Permission denied|Permission denied.*\/dev\/(?:kfd|dri)|Errno 13\].*\/dev\/(?:kfd|dri)/,
    sentence: 'this user may not open /dev/kfd or /dev/dri',
    fix: 'give the container the groups that own them: docker --group-add with the ids of `stat -c %g /dev/kfd /dev/dri/renderD*`; Kubernetes supplementalGroups',
    remedy: 'permit',
  },
  {
    cause: 'no-gpu',
    pattern:
      /No HIP GPUs are available|No CUDA GPUs are available|Failed to infer device type|Unable to open \/dev\/kfd|no ROCm-capable device is detected|hipErrorNoDevice|ROCk module is NOT loaded|amdsmi did not return valid/,
    sentence: 'the engine found no GPU that it may use',
    fix: 'give the container /dev/kfd and /dev/dri and the groups that own them, and check HIP_VISIBLE_DEVICES; `aim gpus` says what is missing; without a GPU: AIM_GPU_COUNT=0 on a CPU build',
    remedy: 'change-machine',
  },
  {
    cause: 'mask-conflict',
    pattern: /Inconsistent GPU visibility env vars|HIP_VISIBLE_DEVICES='?(?<hip>[^']*)'? vs\.? CUDA_VISIBLE_DEVICES='?(?<cuda>[^'. ]*)/,
    sentence: 'HIP_VISIBLE_DEVICES $<hip> and CUDA_VISIBLE_DEVICES $<cuda> disagree',
    fix: 'set only HIP_VISIBLE_DEVICES',
    remedy: 'configure',
  },
  {
    cause: 'gpu-unsupported',
    pattern:
      /hipErrorNoBinaryForGpu|invalid device function|no kernel image is available|HSA_STATUS_ERROR_INVALID_ISA|HSA_STATUS_ERROR_INVALID_CODE_OBJECT|Cannot determine major\/minor|Parsed unknown ROCm architecture from GCN arch '(?<arch>[^']*)'|unsupported (?:gpu arch|target)|is not supported by ROCm for now/i,
    sentence: 'this image has no code for this GPU $<arch>',
    fix: 'use an image built for its gfx target (`aim gpus` names it), or another precision; HSA_OVERRIDE_GFX_VERSION is a last resort',
    remedy: 'change-machine',
  },
  {
    cause: 'gpu-fault',
    whileServing: true,
    pattern:
      /^(?:.{0,80}: )?Memory access fault by GPU node-?(?<node>\d*)|HSA_STATUS_ERROR_MEMORY_FAULT|HSA_STATUS_ERROR_MEMORY_APERTURE_VIOLATION/,
    sentence: 'the GPU reported a memory access fault (node $<node>)',
    fix: 'when it comes back: update driver and image together, switch VLLM_ROCM_USE_AITER=0 to rule its kernels out, and read the kernel log of the node',
    remedy: 'retry',
  },
  {
    cause: 'gpu-error',
    whileServing: true,
    pattern:
      /^(?:.{0,80}[: ])?(?:HIP error: (?<hip>.*)|HSA_STATUS_ERROR_(?<hsa>\w+)|HW Exception by GPU node-?(?<node>\d+).*|hipErrorLaunchFailure|hipErrorUnknown)/,
    sentence: 'the GPU or its driver failed: $<hip> $<hsa> $<node>',
    fix: 'read the kernel log of the node (amdgpu resets, RAS); a reset of the GPU or of the node may be needed',
    remedy: 'retry',
  },
  {
    cause: 'collective',
    pattern: /Unable to find address for: (?<name>\S+)/,
    sentence: 'the container has no network interface $<name>, or it has no address',
    fix: 'GLOO_SOCKET_IFNAME names an interface that `ip addr` shows in the container; leave it out on a single node',
    remedy: 'configure',
  },
  {
    cause: 'collective',
    whileServing: true,
    pattern:
      /^.{0,120}?(?:NCCL error|NCCL WARN (?<warn>.*)|unhandled (?:system|cuda|hip) error|DistBackendError|ncclInternalError|ncclSystemError|Watchdog caught collective operation timeout)/,
    sentence: 'the GPUs could not talk to each other (RCCL) $<warn>',
    fix: 'give the container more /dev/shm (--shm-size 16g) or --ipc=host; NCCL_SOCKET_IFNAME for several nodes; NCCL_DEBUG=INFO says more',
    remedy: 'retry',
  },
  {
    cause: 'rendezvous',
    pattern:
      /(?:DistNetworkError: )?The client socket has timed out after \w+.*?(?<to>\([^)]*\))|DistNetworkError(?!.*EADDRINUSE)|Timed out after \d+ seconds waiting for clients|Gloo connectFullMesh failed/,
    sentence: 'the ranks of this engine did not find each other $<to>',
    fix: 'check that master-addr and master-port are reachable from every node and that all nodes started; VLLM_HOST_IP names this one',
    remedy: 'try-later',
  },
]
