import { isRecord } from '../std/json.ts'

/** Gauges that the engine core reports (vllm/v1/metrics/loggers.py, 0.23 to 0.32). */
const gauge = /^vllm:num_requests_(?:running|waiting)\{[^}]*\} ([0-9.e+]+)$/gm

/**
 * Requests in flight by the larger of the witnesses: the API server's `/load` sees what a frozen core never did, the core's gauges
 * see what the API server forgot. Undefined when neither speaks.
 */
export const inFlight = (load: string | undefined, metrics: string | undefined): number | undefined => {
  const counts = [readLoad(load), readGauges(metrics)].filter((count) => count !== undefined)
  return counts.length === 0 ? undefined : Math.max(...counts)
}

/** The API server's count, from the body of `/load`; undefined when it does not count. */
export const readLoad = (text: string | undefined): number | undefined => {
  try {
    const body: unknown = JSON.parse(text ?? '')
    return isRecord(body) && typeof body.server_load === 'number' ? body.server_load : undefined
  } catch {
    return undefined
  }
}

const readGauges = (text: string | undefined): number | undefined => {
  const values = [...(text ?? '').matchAll(gauge)].map((match) => Number(match[1]))
  return values.length === 0 ? undefined : values.reduce((sum, value) => sum + value, 0)
}
