/** Edge: what the supervisor asks of an engine, done over HTTP. */
import { setTimeout as sleep } from 'node:timers/promises'
import type { Endpoints, EngineAdapter } from '../engine/adapter.ts'
import type { Policy } from '../supervisor/policy.ts'
import { ask, type Reply } from './engine-client.ts'

/** Milliseconds between two looks. */
const pace = { listening: 200, warm: 1000, drain: 100, drained: 5 }
/** A health answer that takes longer says nothing; milliseconds. */
const healthTimeoutMs = 5000
/** Looks in a row without a request in flight: one reading can be early or late (seen on vLLM 0.24). */
const idleThreshold = 2

/** The engine as the work sees it. `note` is told why a step does not get on. */
export type Target = {
  readonly adapter: EngineAdapter
  readonly endpoints: Endpoints
  readonly task: string
  readonly servedName: string
  readonly policy: Policy
  readonly note: (sentence: string) => void
}

/** Resolves when the engine's server says that it is up. */
export const listening = async ({ endpoints }: Target, signal: AbortSignal): Promise<void> => {
  while (!(await lookAtHealth(endpoints, signal))) await sleep(pace.listening, undefined, { signal })
}

/** Asks for one real answer until one comes; the lifecycle's deadline is what ends it otherwise. */
export const warm = async (target: Target, signal: AbortSignal): Promise<void> => {
  for (;;) {
    const wrong = await oneAnswer(target, signal)
    if (wrong === undefined) return
    target.note(`no answer yet to a first request: ${wrong}`)
    await sleep(pace.warm, undefined, { signal })
  }
}

/**
 * The smallest request whose answer proves that the engine works, or that one core of several does: what is wrong with the answer, or
 * undefined. It may take its time.
 */
export const oneAnswer = async (
  { adapter, endpoints, task, servedName }: Target,
  signal: AbortSignal,
  core?: string,
): Promise<string | undefined> => {
  const { path, body, check } = adapter.warmUp(task, servedName)
  const headers = core === undefined ? {} : adapter.headersFor(core)
  const reply = await tryAsk(() => ask({ url: `${endpoints.base}${path}`, signal, json: body, headers, ...keyOf(endpoints) }), signal)
  if (typeof reply === 'string') return `POST ${path}: ${reply}`
  const wrong = reply.status === 200 ? check(parse(reply.body)) : `HTTP ${reply.status}: ${reply.body.slice(0, 200)}`
  return wrong === undefined ? undefined : `POST ${path}: ${wrong}`
}

/** Lets endpoints notice, then waits until no witness sees a request; the lifecycle's deadline is what ends it otherwise. */
export const drain = async ({ adapter, endpoints, policy }: Target, signal: AbortSignal): Promise<void> => {
  if (policy.drainDelayMs > 0) await sleep(policy.drainDelayMs, undefined, { signal })
  for (let idle = 0; idle < idleThreshold; ) {
    const [load, metrics] = await Promise.all([endpoints.load, endpoints.metrics].map((url) => text(url, endpoints, signal)))
    const count = adapter.inFlight(load, metrics)
    idle = count === 0 ? idle + 1 : 0
    if (idle < idleThreshold) await sleep(idle === 0 ? pace.drain : pace.drained, undefined, { signal })
  }
}

/** Whether the engine's server says that it is well: no when nobody listens on its port, undefined when it says nothing in time. */
export const lookAtHealth = async ({ health }: Endpoints, signal: AbortSignal): Promise<boolean | undefined> => {
  const reply = await tryAsk(() => ask({ url: health, signal, timeoutMs: healthTimeoutMs }), signal)
  if (typeof reply !== 'string') return reply.status === 200
  return reply.includes('ECONNREFUSED') ? false : undefined
}

/** The body of one of the engine's own pages; undefined when there is none in time. */
export const text = async (url: string | undefined, endpoints: Endpoints, signal: AbortSignal): Promise<string | undefined> => {
  if (url === undefined) return undefined
  const reply = await tryAsk(() => ask({ url, signal, timeoutMs: healthTimeoutMs, ...keyOf(endpoints) }), signal)
  return typeof reply === 'string' || reply.status !== 200 ? undefined : reply.body
}

/** The reply, or why there is none; an abort is passed on, since nobody waits any more. */
const tryAsk = async (request: () => Promise<Reply>, signal: AbortSignal): Promise<Reply | string> => {
  try {
    return await request()
  } catch (error) {
    if (signal.aborted) throw error
    return error instanceof Error ? error.message : String(error)
  }
}

const keyOf = ({ apiKey }: Endpoints): { readonly apiKey?: string } => (apiKey === undefined ? {} : { apiKey })

const parse = (body: string): unknown => {
  try {
    return JSON.parse(body)
  } catch {
    return undefined
  }
}
