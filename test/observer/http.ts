import { type ClientRequest, type IncomingMessage, request } from 'node:http'
import type { Answer, Look, StreamEnd } from './timeline.ts'

/** One whole answer: what it was and its body. */
export type Whole = { readonly answer: Answer; readonly body: string }

/** Sends one request over a connection of its own: a kept one would still be answered after the port has closed. */
const open = (port: number, path: string, body?: object): ClientRequest => {
  const sent = request({
    host: '127.0.0.1',
    port,
    path,
    agent: false,
    method: body ? 'POST' : 'GET',
    headers: { 'content-type': 'application/json' },
  })
  sent.end(body && JSON.stringify(body))
  return sent
}

/** Asks and gives the answer; silence for `timeoutMs` is an answer too. */
export const ask = (port: number, path: string, options: { body?: object; timeoutMs?: number } = {}): Promise<Whole> =>
  new Promise((resolve) => {
    const sent = open(port, path, options.body)
    const timer = setTimeout(() => {
      resolve({ answer: 'timeout', body: '' })
      sent.destroy()
    }, options.timeoutMs ?? 5000)
    const settle = (answer: Answer, body: string): void => {
      clearTimeout(timer)
      resolve({ answer, body })
    }
    sent.once('error', () => settle('refused', ''))
    sent.once('response', async (response) => settle(response.statusCode ?? 'refused', await textOf(response)))
  })

const textOf = async (response: IncomingMessage): Promise<string> => {
  let text = ''
  try {
    for await (const chunk of response) text += chunk
  } catch {
    // Cut short: what came is what there is.
  }
  return text
}

const sample = (text: string, name: string): number | undefined => {
  const value = new RegExp(`^${name}(?:\\{[^}]*\\})? (\\S+)$`, 'm').exec(text)?.[1]
  return value === undefined ? undefined : Number(value)
}

const serverLoad = (body: string): number | undefined => {
  const value = /"server_load":\s*(\d+)/.exec(body)?.[1]
  return value === undefined ? undefined : Number(value)
}

/** Looks at health, metrics and, when told to, the load. */
export const look = async (port: number, withLoad: boolean): Promise<Look> => {
  const [health, metrics, load] = await Promise.all([
    ask(port, '/health'),
    ask(port, '/metrics'),
    withLoad ? ask(port, '/load') : undefined,
  ])
  return {
    health: health.answer,
    metrics: metrics.answer,
    running: sample(metrics.body, 'vllm:num_requests_running'),
    waiting: sample(metrics.body, 'vllm:num_requests_waiting'),
    steps: sample(metrics.body, 'vllm:iteration_tokens_total_count'),
    load: load && serverLoad(load.body),
  }
}

/** A stream that is being read. */
export type Stream = {
  readonly chunks: () => number
  readonly ended: Promise<StreamEnd>
  readonly end: () => StreamEnd | undefined
  /** Milliseconds since something last came. */
  readonly quietMs: () => number
  readonly abandon: () => void
}

const endOf = (text: string): StreamEnd => {
  if (!text.includes('data: [DONE]')) return 'broken'
  return /"finish_reason": ?"(length|stop)"/.test(text) ? 'whole' : 'cut'
}

/** Opens a stream of `tokens` tokens. */
export const openStream = (port: number, model: string, tokens: number): Stream => {
  const body = {
    model,
    prompt: 'hi',
    max_tokens: tokens,
    ignore_eos: true,
    temperature: 0,
    stream: true,
    stream_options: { include_usage: true },
  }
  const sent = open(port, '/v1/completions', body)
  const { promise: ended, resolve } = Promise.withResolvers<StreamEnd>()
  let text = ''
  let last = performance.now()
  let end: StreamEnd | undefined
  const settle = (how: StreamEnd): void => {
    end ??= how
    resolve(end)
  }
  sent.once('error', () => settle('broken'))
  sent.once('response', (response) => {
    response.on('data', (chunk) => {
      text += chunk
      last = performance.now()
    })
    response.once('error', () => settle('broken'))
    response.once('close', () => settle(endOf(text)))
  })
  return {
    chunks: () => text.split('data: ').length - 1,
    ended,
    end: () => end,
    quietMs: () => performance.now() - last,
    abandon: () => {
      settle('abandoned')
      sent.destroy()
    },
  }
}
