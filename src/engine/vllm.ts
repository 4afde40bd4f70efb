import type { EngineAdapter, EngineInput } from './adapter.ts'
import { renderArguments, withValue } from './arguments.ts'
import { vllmCompileCaches } from './compile-caches.ts'
import { endpointsOf } from './endpoints.ts'
import { compilers, isOwnLine, keyMetrics } from './evidence.ts'
import { explainExit } from './failures.ts'
import { addFigures, figurePatterns, wasTooSmall } from './figures.ts'
import { inFlight, readLoad } from './in-flight.ts'
import { readPhase, showsProgress, showsWork, signPatterns } from './phases.ts'
import { readPulse, saysSuspended } from './pulse.ts'
import { createSearch, fragmentsOf } from './search.ts'
import { warmUp } from './warm-up.ts'

/** What each vLLM is told besides the profile; the comment at each says why. */
const environment = (): Readonly<Record<string, string>> => ({
  // Usage reports go out at each start otherwise (vllm/usage/usage_lib.py).
  VLLM_NO_USAGE_STATS: '1',
  DO_NOT_TRACK: '1',
  // Every file is in the snapshot by then; without it the hub is asked again and a rate limit can fail a start that has all it needs.
  HF_HUB_OFFLINE: '1',
  // Its experimental front end lacks /ping and the step counter (vLLM 0.28).
  VLLM_USE_RUST_FRONTEND: '0',
  // With 1 a dead engine would keep answering.
  VLLM_KEEP_ALIVE_ON_ENGINE_DEATH: '0',
  VLLM_LOGGING_COLOR: '0',
})

const argv = (input: EngineInput): readonly string[] => [
  ...input.command,
  'serve',
  // The model comes first: a flag that takes several values would swallow it.
  input.modelPath,
  ...renderArguments({
    'served-model-name': input.servedNames,
    host: input.host,
    port: input.port,
    // The API server's own count is the one witness of a request that a frozen engine core never saw.
    'enable-server-load-tracking': true,
    ...input.arguments,
  }),
  ...input.extraArguments,
]

/** Made when the first line comes: until then an engine is to be spawned. */
let search: ((bytes: Uint8Array) => boolean) | undefined

/** vLLM, 0.23 and later, on ROCm and on the CPU. */
export const vllm: EngineAdapter = {
  name: 'vllm',
  argv,
  withContext: (given, tokens) => withValue(given, 'max-model-len', String(tokens)),
  environment,
  compileCaches: vllmCompileCaches,
  endpoints: endpointsOf,
  warmUp,
  // vllm/entrypoints/generate/base/serving.py, 0.23 to 0.32; an older one passes it over.
  headersFor: (core) => ({ 'x-data-parallel-rank': core }),
  mayTell: (bytes) => {
    search ??= createSearch([...signPatterns, ...figurePatterns].flatMap(fragmentsOf))
    return search(bytes)
  },
  readPhase,
  addFigures,
  wasTooSmall,
  showsProgress,
  showsWork,
  explainExit,
  inFlight,
  readLoad,
  readPulse,
  saysSuspended,
  compilers,
  keyMetrics,
  isOwnLine,
}
