import type { Json } from '../std/json.ts'

/** Where a flag of an older engine went: why it is gone, and what says the same now. `to` gives undefined where nothing does. */
export type Move = { readonly because: string; readonly to: (value: Json) => Readonly<Record<string, Json>> | undefined }

const gone = (because: string): Move => ({ because: `${because}, so it is left out`, to: () => ({}) })
const noLonger = (advice: string): Move => ({ because: advice, to: () => undefined })

/** vLLM 0.11 took the first engine and with it these settings away (vLLM #25033). */
const firstEngine = gone("only vLLM's first engine had it")

/** Flags that vLLM had and has no more, which AMD's profiles 0.9 and much advice still carry. Looked at only where a schema lacks the flag. */
export const moved: Readonly<Record<string, Move>> = {
  // vLLM #36216, 0.18: it only served a way of sampling that was gone by then.
  'swap-space': gone('vLLM keeps no KV cache in host memory by it'),
  // vLLM #25543, 0.11.
  'max-seq-len-to-capture': gone('the sizes of captured graphs no longer depend on a length'),
  'num-scheduler-steps': firstEngine,
  'multi-step-stream-outputs': firstEngine,
  'num-lookahead-slots': firstEngine,
  'preemption-mode': firstEngine,
  'use-v2-block-manager': firstEngine,
  'enable-reasoning': gone('--reasoning-parser alone turns it on'),
  // vLLM #21739; requests are not logged unless asked for since then.
  'disable-log-requests': { because: 'it is --no-enable-log-requests now', to: (value) => ({ 'enable-log-requests': value === false }) },
  'cuda-graph-sizes': { because: 'it is --cudagraph-capture-sizes or, for one number, --max-cudagraph-capture-size now', to: captureSizes },
  'guided-decoding-backend': {
    because: 'it is --structured-outputs-config.backend now',
    to: (value) => ({ 'structured-outputs-config.backend': value }),
  },
  'worker-use-ray': {
    because: 'it is --distributed-executor-backend ray now',
    to: (value) => (value === false ? {} : { 'distributed-executor-backend': 'ray' }),
  },
  'rope-scaling': noLonger('put it into --hf-overrides as the keys of the model have it'),
  'rope-theta': noLonger('put it into --hf-overrides as the keys of the model have it'),
  // The hint of vLLM's own parser (vllm/utils/argparse_utils.py, 0.32).
  task: { because: 'it is --runner and --convert now', to: taskOf },
}

/** One number was the largest size, several were the sizes (vllm/config/scheduler.py, 0.10). */
function captureSizes(value: Json): Readonly<Record<string, Json>> {
  const several = Array.isArray(value) && value.length > 1
  if (several) return { 'cudagraph-capture-sizes': value }
  return { 'max-cudagraph-capture-size': Array.isArray(value) ? (value[0] ?? null) : value }
}

/** The runner and the conversion that each task stood for; vLLM itself took `embedding` and `score` for `embed` and `classify`. */
function taskOf(value: Json): Readonly<Record<string, Json>> | undefined {
  const conversions: Readonly<Record<string, string>> = {
    embed: 'embed',
    embedding: 'embed',
    reward: 'embed',
    classify: 'classify',
    score: 'classify',
  }
  const convert = conversions[String(value)]
  if (convert !== undefined) return { runner: 'pooling', convert }
  if (value === 'auto') return {}
  return value === 'generate' || value === 'draft' ? { runner: value } : undefined
}
