import { engineDefinitions, serverDefinitions } from './metric-definitions.ts'
import { createRegistry, type Labels } from './metrics.ts'
import type { FinishReason, SchedulerStats } from './protocol.ts'

/** What the API server tells its metrics. */
export type ServerMetrics = {
  /** The core's word after a step. */
  readonly scheduled: (stats: SchedulerStats) => void
  /** A token came `seconds` after the arrival (the first one) or after the one before it. */
  readonly token: (first: boolean, seconds: number) => void
  readonly finished: (reason: FinishReason, promptTokens: number, generated: number, seconds: number) => void
  readonly answered: (method: string, route: string, status: number) => void
  /** The whole text, with these figures of the process itself */
  readonly text: (figures: Readonly<Record<string, number>>) => string
}

/** vLLM counts KV memory in blocks of so many tokens. */
const blockSize = 16

const reasons: readonly (FinishReason | 'repetition')[] = ['stop', 'length', 'abort', 'error', 'repetition']

/** Metrics of one engine; `engine` off leaves vLLM's own out. All series that vLLM shows from the start are there from the start. */
export const createServerMetrics = (options: { modelName: string; kvTokens: number; engine: boolean }): ServerMetrics => {
  const labels: Labels = { engine: '0', model_name: options.modelName }
  const engine = createRegistry(engineDefinitions)
  const server = createRegistry(serverDefinitions)
  const zero = (name: keyof typeof engineDefinitions, more: Labels = {}, value = 0) => engine.set(name, { ...labels, ...more }, value)
  for (const name of ['running', 'waiting'] as const) zero(`vllm:num_requests_${name}`)
  for (const reason of ['capacity', 'deferred']) zero('vllm:num_requests_waiting_by_reason', { reason })
  for (const state of ['awake', 'weights_offloaded', 'discard_all'])
    zero('vllm:engine_sleep_state', { sleep_state: state }, state === 'awake' ? 1 : 0)
  for (const name of ['prompt_tokens', 'generation_tokens', 'num_preemptions'] as const) zero(`vllm:${name}_total`)
  for (const reason of reasons) zero('vllm:request_success_total', { finished_reason: reason })
  zero('vllm:kv_cache_usage_perc')
  const blocks = String(Math.ceil(options.kvTokens / blockSize))
  zero(
    'vllm:cache_config_info',
    { block_size: String(blockSize), num_gpu_blocks: blocks, kv_cache_size_tokens: String(options.kvTokens) },
    1,
  )
  const histograms = Object.entries(engineDefinitions).filter(([, definition]) => definition.type === 'histogram')
  for (const [name] of histograms) engine.set(name, labels, 0)
  return {
    scheduled: (stats) => {
      engine.set('vllm:num_requests_running', labels, stats.running)
      engine.set('vllm:num_requests_waiting', labels, stats.waiting)
      engine.set('vllm:num_requests_waiting_by_reason', { ...labels, reason: 'capacity' }, stats.waiting)
      engine.set('vllm:kv_cache_usage_perc', labels, stats.kvUsage)
      engine.add('vllm:prompt_tokens_total', labels, stats.promptTokens)
      engine.add('vllm:generation_tokens_total', labels, stats.generationTokens)
      const moved = stats.promptTokens + stats.generationTokens
      if (moved > 0) engine.observe('vllm:iteration_tokens_total', labels, moved)
    },
    token: (first, seconds) =>
      engine.observe(first ? 'vllm:time_to_first_token_seconds' : 'vllm:inter_token_latency_seconds', labels, seconds),
    finished: (reason, promptTokens, generated, seconds) => {
      engine.add('vllm:request_success_total', { ...labels, finished_reason: reason })
      engine.observe('vllm:request_prompt_tokens', labels, promptTokens)
      engine.observe('vllm:request_generation_tokens', labels, generated)
      engine.observe('vllm:e2e_request_latency_seconds', labels, seconds)
    },
    answered: (method, route, status) =>
      server.add('http_requests_total', { handler: route, method, status: `${Math.floor(status / 100)}xx` }),
    text: (figures) => {
      for (const [name, value] of Object.entries(figures)) server.set(name, {}, value)
      return `${server.text()}${options.engine ? engine.text() : ''}`
    },
  }
}
