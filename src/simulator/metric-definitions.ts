import type { MetricDefinition } from './metrics.ts'

// The bucket bounds are vLLM 0.32's own, as its /metrics shows them.
const latency = [0.3, 0.5, 0.8, 1, 1.5, 2, 2.5, 5, 10, 15, 20, 30, 40, 50, 60, 120, 240, 480, 960, 1920, 7680]
const perToken = [0.01, 0.025, 0.05, 0.075, 0.1, 0.15, 0.2, 0.3, 0.4, 0.5, 0.75, 1, 2.5, 5, 7.5, 10, 20, 40, 80]
const firstToken = [0.001, 0.005, 0.01, 0.02, 0.04, 0.06, 0.08, 0.1, 0.25, 0.5, 0.75, 1, 2.5, 5, 7.5, 10, 20, 40, 80, 160, 640, 2560]
const iteration = [1, 8, 16, 32, 64, 128, 256, 512, 1024, 2048, 4096, 8192, 16384]
const tokens = [1, 2, 5, 10, 20, 50, 100, 200, 500, 1000]

const gauge = (help: string): MetricDefinition => ({ type: 'gauge', help })
const counter = (help: string): MetricDefinition => ({ type: 'counter', help })
const histogram = (help: string, buckets: readonly number[]): MetricDefinition => ({ type: 'histogram', help, buckets })

/** What the engine's metrics are called in vLLM and what the simulator counts in them. `--disable-log-stats` leaves them out. */
export const engineDefinitions = {
  'vllm:num_requests_running': gauge('Requests in the batch.'),
  'vllm:num_requests_waiting': gauge('Requests in the queue.'),
  'vllm:num_requests_waiting_by_reason': gauge('Requests in the queue, by why they wait.'),
  'vllm:engine_sleep_state': gauge('Whether the engine is awake; the simulator always is.'),
  'vllm:kv_cache_usage_perc': gauge('Used part of the KV cache, 0 to 1.'),
  'vllm:cache_config_info': gauge('The KV cache as labels.'),
  'vllm:prompt_tokens_total': counter('Tokens of prompts taken in.'),
  'vllm:generation_tokens_total': counter('Tokens given out.'),
  'vllm:num_preemptions_total': counter('Requests put back into the queue; the simulator never does.'),
  'vllm:request_success_total': counter('Requests that ended, by how.'),
  'vllm:iteration_tokens_total': histogram('Tokens per engine step, taken in and given out.', iteration),
  'vllm:request_prompt_tokens': histogram('Tokens of a prompt.', tokens),
  'vllm:request_generation_tokens': histogram('Tokens of an answer.', tokens),
  'vllm:time_to_first_token_seconds': histogram('From arrival to the first token, in seconds.', firstToken),
  'vllm:inter_token_latency_seconds': histogram('Between two tokens of one request, in seconds.', perToken),
  'vllm:e2e_request_latency_seconds': histogram('From arrival to the last token, in seconds.', latency),
} as const satisfies Readonly<Record<string, MetricDefinition>>

/** What the API server counts whether or not the engine's metrics are on. */
export const serverDefinitions = {
  process_virtual_memory_bytes: gauge('Address space in bytes.'),
  process_resident_memory_bytes: gauge('Resident memory in bytes.'),
  process_start_time_seconds: gauge('When the process was started, in seconds since 1970.'),
  process_cpu_seconds_total: counter('User and system time in seconds.'),
  process_open_fds: gauge('Open file descriptors.'),
  http_requests_total: counter('Answered requests by method, status class and route.'),
} as const satisfies Readonly<Record<string, MetricDefinition>>
