import type { Pulse } from './adapter.ts'

/**
 * Series that only the engine core reports, and so change only when it takes a step (vllm/v1/metrics/loggers.py, 0.23 to 0.32). The step
 * counter counts steps that give tokens; a long prefill in chunks shows in the KV cache's usage alone. Not the request counters: the API
 * server moves them by itself when a client leaves.
 */
const series =
  /^vllm:(num_requests_running|num_requests_waiting|iteration_tokens_total_count|prompt_tokens_total|generation_tokens_total|(?:gpu_cache|kv_cache)_usage_perc|num_preemptions_total|prefix_cache_queries_total)\{([^}]*)\} (\S+)$/gm

const requests: ReadonlySet<string> = new Set(['num_requests_running', 'num_requests_waiting'])

/** What `/metrics` says about each engine core, by its label `engine`, and whether any was put to sleep. */
export const readPulse = (metrics: string): Pulse => {
  const cores: Record<string, { inFlight: number; progress: string }> = {}
  for (const [, name = '', labels = '', value = ''] of metrics.matchAll(series)) {
    const id = /engine="([^"]*)"/.exec(labels)?.[1] ?? '0'
    const core = cores[id] ?? { inFlight: 0, progress: '' }
    cores[id] = { inFlight: core.inFlight + (requests.has(name) ? Number(value) : 0), progress: `${core.progress} ${name}=${value}` }
  }
  return { cores, asleep: /^vllm:engine_sleep_state\{[^}]*sleep_state="awake"[^}]*\} 0(?:\.0)?$/m.test(metrics) }
}

/** Of `/is_sleeping` and `/is_paused`, which vLLM has in its developer mode: whether one says yes. */
export const saysSuspended = (body: string): boolean => /"is_(?:sleeping|paused)":\s*true/.test(body)
