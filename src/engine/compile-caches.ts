/** What an engine compiles for itself, and which of it another container may use. */
export type CompileCaches = {
  /** The variables that put the caches below a directory of this container. */
  readonly environment: (directory: string) => Readonly<Record<string, string>>
  /** What below that directory is good on any machine of the same kind. */
  readonly kept: readonly string[]
  /** Whoever sets one of these has seen to it himself. */
  readonly owners: readonly string[]
}

/**
 * vLLM's, read in 0.32. `torch_compile_cache` holds its graphs, Inductor's kernels and the AOT functions below hashes of configuration, code
 * and compiler; `modelinfos` and `rocm_segmented_attention` check what they hold by hashes too; Triton's is by content. None is used where it
 * lies on a shared volume: vLLM writes `vllm_compile_cache.py` in place and evaluates it, so that a reader could meet half of it, and a full
 * volume would end an engine that only wanted to keep a kernel. Left behind is what is true of one machine alone: `gpu_p2p_access_cache_*`
 * and `startup_plan`. Never set: AITER_JIT_DIR, which hides the kernels that the image brings, and MIOpen's databases, which are SQLite.
 */
export const vllmCompileCaches: CompileCaches = {
  environment: (directory) => ({ VLLM_CACHE_ROOT: `${directory}/vllm`, TRITON_CACHE_DIR: `${directory}/triton` }),
  kept: ['vllm/torch_compile_cache', 'vllm/modelinfos', 'vllm/rocm_segmented_attention', 'triton'],
  owners: ['VLLM_CACHE_ROOT', 'TRITON_CACHE_DIR', 'VLLM_DISABLE_COMPILE_CACHE'],
}
