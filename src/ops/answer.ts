import type { ProbeStatus, Status } from './status.ts'

/** An HTTP answer as data. */
export type Answer = { readonly status: number; readonly contentType: string; readonly body: string }

/** What the listener needs from above: it owns no state and knows no supervisor. */
export type Sources = {
  readonly health: () => { readonly startup: number; readonly live: number; readonly ready: number }
  readonly probe: () => ProbeStatus
  readonly status: () => Status
  /** Prometheus text; may take a moment the first time. */
  readonly metrics: () => Promise<{ readonly contentType: string; readonly text: string }>
}

/** Paths of the probes, each with its other names. */
const probes: Readonly<Record<string, 'startup' | 'live' | 'ready'>> = {
  '/startupz': 'startup',
  '/livez': 'live',
  '/healthz': 'live',
  '/health/live': 'live',
  '/readyz': 'ready',
  '/health/ready': 'ready',
}

/** Every path that is served, for the page at `/` and for a 404. */
export const paths: readonly string[] = [...Object.keys(probes), '/metrics', '/status']

/** The answer to a request; only GET and HEAD mean anything here, and nothing changes state. */
export const answer = async (method: string, path: string, sources: Sources): Promise<Answer> => {
  if (method !== 'GET' && method !== 'HEAD') return json(405, { error: `cannot ${method} here: only GET and HEAD are served` })
  const probe = probes[path]
  if (probe !== undefined) return json(sources.health()[probe], sources.probe())
  if (path === '/status') return json(200, sources.status())
  if (path === '/metrics') {
    const { contentType, text } = await sources.metrics()
    return { status: 200, contentType, body: text }
  }
  return json(404, { error: `nothing is served at ${path}`, paths })
}

const json = (status: number, body: object): Answer => ({ status, contentType: 'application/json', body: `${JSON.stringify(body)}\n` })
