import { type Dispatcher, EnvHttpProxyAgent, request } from 'undici'
import { exitCodes } from '../std/exit-codes.ts'
import { Failure } from '../std/failure.ts'
import { explainConnection } from './connection-errors.ts'
import { type Asked, explainAnswer } from './errors.ts'
import { abortError, Interruption } from './insist.ts'
import { credentialsOf, endpointVariable } from './protocol.ts'
import { keepsToken, maxHops, redirectOf } from './redirect.ts'
import { type HeaderFields, headerOf, type Transfer } from './retry.ts'
import { userAgent } from './user-agent.ts'

/** One GET: where, what it is about, how to insist. */
export type Get = {
  readonly url: string
  readonly asked: Asked
  /** GET when left out. */
  readonly method?: 'HEAD'
  /** A refusal is an answer too: its headers are what is asked for. */
  readonly anyStatus?: true
  readonly headers?: Readonly<Record<string, string>>
  readonly signal?: AbortSignal | undefined
  readonly transfer: Transfer
}

/**
 * A successful answer and the address that gave it, after redirects. `chunks` may be left early, which closes the connection; its errors are
 * worth another try. `withToken` is whether the token went there.
 */
export type Received = {
  readonly status: number
  readonly headers: HeaderFields
  readonly chunks: AsyncIterable<Buffer>
  readonly url: URL
  readonly withToken: boolean
}

let agent: Dispatcher | undefined

// HTTP/2 is off because undici's small flow-control windows cost an order of magnitude on a link with latency.
const dispatcher = (): Dispatcher => {
  try {
    agent ??= new EnvHttpProxyAgent({ allowH2: false, connect: { timeout: 10_000 } })
    return agent
  } catch (error) {
    const fix = 'give them as http://[user:password@]host:port'
    throw new Failure('cannot use the proxy: HTTP_PROXY or HTTPS_PROXY is not a URL', { exitCode: exitCodes.config, fix, cause: error })
  }
}

const explain = (error: unknown, url: URL, { asked, signal }: Get): Error => {
  if (signal?.aborted) return abortError(signal)
  if (error instanceof Failure || error instanceof Interruption) return error
  const trouble = explainConnection(error, url.host, asked)
  return trouble.transient ? new Interruption(trouble) : trouble.failure
}

async function* wrapErrors(body: AsyncIterable<Buffer>, url: URL, get: Get): AsyncGenerator<Buffer, void, undefined> {
  try {
    for await (const chunk of body) yield chunk
  } catch (error) {
    throw explain(error, url, get)
  }
}

const send = (url: URL, withToken: boolean, { asked, method, headers, signal, transfer }: Get): Promise<Dispatcher.ResponseData> =>
  request(url, {
    dispatcher: dispatcher(),
    method: method ?? 'GET',
    signal: signal ?? null,
    headersTimeout: transfer.idleMs,
    bodyTimeout: transfer.idleMs,
    headers: {
      'user-agent': userAgent,
      'accept-encoding': 'identity',
      ...headers,
      ...(withToken && credentialsOf(asked.hub)),
    },
  })

type Hop = { readonly response: Dispatcher.ResponseData; readonly url: URL; readonly withToken: boolean }

// By hand, because what follows a redirect on its own either forgets the token on the way to a Hub or shows it to a storage host.
const follow = async (get: Get): Promise<Hop> => {
  let url = new URL(get.url)
  let withToken = true
  for (let hop = 0; hop <= maxHops; hop++) {
    const response = await send(url, withToken, get).catch((error: unknown) => Promise.reject(explain(error, url, get)))
    const location = response.headers.location
    const next = redirectOf(response.statusCode, Array.isArray(location) ? location[0] : location, url)
    if (next === undefined) return { response, url, withToken }
    await response.body.dump().catch(() => {})
    withToken &&= keepsToken(url, next, get.asked.hub)
    url = next
  }
  throw new Failure(`cannot fetch '${get.asked.repo}': ${url.host} redirects in a loop`, {
    exitCode: exitCodes.config,
    fix: `check ${endpointVariable(get.asked.hub)}`,
  })
}

// Enough for any error's words; a body without end must not hold us.
const headOf = async (body: AsyncIterable<Buffer>): Promise<string> => {
  let text = ''
  for await (const chunk of body) {
    text += chunk.toString()
    if (text.length > 65_536) break
  }
  return text
}

const refusal = async ({ response, url }: Hop, get: Get): Promise<Error> => {
  const body = await headOf(response.body).catch(() => '')
  const trouble = explainAnswer({ status: response.statusCode, headers: response.headers, body, url }, get.asked)
  return trouble.transient ? new Interruption(trouble) : trouble.failure
}

/** Sends one GET and follows redirects. Throws a Failure, an AbortError, or an Interruption, which is for `insist`. */
export const fetchOnce = async (get: Get): Promise<Received> => {
  const hop = await follow(get)
  const { response, url, withToken } = hop
  if (get.anyStatus || (response.statusCode >= 200 && response.statusCode < 300)) {
    return { status: response.statusCode, headers: response.headers, chunks: wrapErrors(response.body, url, get), url, withToken }
  }
  throw await refusal(hop, get)
}

/** What a look at an address found: `failure` says what a person has to do, for an answer that is no success; `date` is the server's, as it wrote it. */
export type Looked = { readonly status: number; readonly date?: string; readonly failure?: Failure }

/** Sends one GET, follows redirects and leaves the body alone. Throws as `fetchOnce` does where nobody answers. */
export const lookAt = async (get: Get): Promise<Looked> => {
  const hop = await follow(get)
  const { statusCode: status, headers, body } = hop.response
  const date = headerOf(headers, 'date')
  const good = status >= 200 && status < 300
  const trouble = good ? undefined : await refusal(hop, get)
  if (good) body.on('error', () => {}).destroy()
  const failure = trouble instanceof Interruption ? trouble.trouble.failure : trouble
  return { status, ...(date !== undefined && { date }), ...(failure instanceof Failure && { failure }) }
}
