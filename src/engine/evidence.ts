/** What of vLLM's own words may be shown as evidence of a stall, and who works for it silently. */

/** Compilers and their drivers as ROCm's and Debian's toolchains name them (/proc/PID/comm, 15 bytes at most): AITER's and Triton's JIT, torch.compile. */
export const compilers = /^(?:ninja|hipcc|amdclang|clang|cc1plus|cc1|gcc|g\+\+|c\+\+|ld(?:\.lld)?|lld|as|ptxas|nvcc)/

/** vLLM's log record after its process prefix (vllm/logging_utils, 0.23 to 0.32). */
const record =
  /^(?:\([A-Za-z]\w* pid=\d+\) )?(?:DEBUG|INFO|WARNING|ERROR|CRITICAL) \d\d-\d\d \d\d:\d\d:\d\d \[(?<source>[^\]:]+)[^\]]*\] (?<message>.*)$/

/** Where requests are logged when somebody asked for it (--enable-log-requests, --enable-log-outputs): they hold prompts. */
const aboutRequests = /request_logger|^logger$|protocol|Received request|Generated response|prompt|Error in preprocessing/i

/** Whether a line is a record of vLLM's own that cannot hold what a user sent: anything else (a traceback, a print) might. */
export const isOwnLine = (line: string): boolean => {
  const { source, message } = record.exec(line)?.groups ?? {}
  return source !== undefined && !aboutRequests.test(source) && !aboutRequests.test(message ?? '')
}

const keySeries =
  /^vllm:(?:num_requests_(?:running|waiting)|kv_cache_usage_perc|iteration_tokens_total_count|(?:prompt|generation)_tokens_total|num_preemptions_total|engine_sleep_state)\{.*$/gm

/** Gauges and counters that tell a hang from a queue; they carry no text of users. */
export const keyMetrics = (metrics: string): readonly string[] => metrics.match(keySeries) ?? []
