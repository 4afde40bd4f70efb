import type { Endpoints } from './adapter.ts'
import { valuesOf } from './arguments.ts'

/** vLLM's default port (vllm/entrypoints/openai/cli_args.py). */
const defaultPort = '8000'

/** Where a vLLM with these arguments and variables answers, seen from its own container. */
export const endpointsOf = (argv: readonly string[], environment: Readonly<Record<string, string>>): Endpoints => {
  const scheme = valuesOf(argv, 'ssl-certfile') === undefined ? 'http' : 'https'
  const base = `${scheme}://${reachable(valuesOf(argv, 'host')?.[0])}:${valuesOf(argv, 'port')?.[0] ?? defaultPort}`
  // --api-key replaces VLLM_API_KEY (vllm/entrypoints/openai/api_server.py).
  const apiKey = valuesOf(argv, 'api-key')?.[0] ?? environment.VLLM_API_KEY
  return {
    base,
    health: `${base}/health`,
    metrics: `${base}/metrics`,
    load: `${base}/load`,
    // Only the developer mode has a way to put it to sleep or to pause it.
    suspensions: environment.VLLM_SERVER_DEV_MODE === '1' ? [`${base}/is_sleeping`, `${base}/is_paused`] : [],
    ...(apiKey === undefined || apiKey === '' ? {} : { apiKey }),
  }
}

/** An address to listen on is not always one to connect to. */
const reachable = (host: string | undefined): string => {
  if (host === undefined || host === '' || host === '0.0.0.0') return '127.0.0.1'
  if (host === '::' || host === '[::]') return '[::1]'
  return host.includes(':') && !host.startsWith('[') ? `[${host}]` : host
}
