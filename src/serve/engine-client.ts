/** Edge: talks HTTP to the engine. node:http is loaded by the first request, which comes after the spawn. */
import type { IncomingMessage, RequestOptions } from 'node:http'

/** An answer's status and whole body. */
export type Reply = { readonly status: number; readonly body: string }

/** A request to make. */
export type Ask = {
  readonly url: string
  readonly signal: AbortSignal
  /** Ends the request when nothing came for so long; absent for a first answer, which may compile kernels for minutes. */
  readonly timeoutMs?: number
  readonly json?: unknown
  readonly headers?: Readonly<Record<string, string>>
  readonly apiKey?: string
}

/** One request on a connection of its own; rejects when no whole answer came. The engine is on our own loopback, so any certificate will do. */
export const ask = async ({ url, signal, timeoutMs, json, headers, apiKey }: Ask): Promise<Reply> => {
  const { request } = url.startsWith('https:') ? await import('node:https') : await import('node:http')
  const payload = json === undefined ? undefined : JSON.stringify(json)
  const options: RequestOptions & { rejectUnauthorized: boolean } = {
    method: payload === undefined ? 'GET' : 'POST',
    agent: false,
    rejectUnauthorized: false,
    signal: timeoutMs === undefined ? signal : AbortSignal.any([signal, AbortSignal.timeout(timeoutMs)]),
    headers: {
      ...headers,
      ...(payload === undefined ? {} : { 'content-type': 'application/json', 'content-length': Buffer.byteLength(payload) }),
      ...(apiKey === undefined ? {} : { authorization: `Bearer ${apiKey}` }),
    },
  }
  return new Promise((resolve, reject) => {
    const sent = request(url, options, (response) => void read(response).then(resolve, reject))
    sent.on('error', reject)
    sent.end(payload)
  })
}

const read = async (response: IncomingMessage): Promise<Reply> => {
  const chunks: Buffer[] = []
  for await (const chunk of response) chunks.push(chunk as Buffer)
  return { status: response.statusCode ?? 0, body: Buffer.concat(chunks).toString() }
}
