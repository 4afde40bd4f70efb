import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Fault } from './faults.ts'
import type { Repository } from './repository.ts'

/** Answers with JSON. */
export const sendJson = (response: ServerResponse, value: unknown, headers: Readonly<Record<string, string>> = {}): void => {
  response.writeHead(200, { 'content-type': 'application/json', ...headers }).end(JSON.stringify(value))
}

/** Answers with an error in the Hub's form: code and message in headers, the message in the body too. */
export const sendError = (
  response: ServerResponse,
  status: number,
  code: string | undefined,
  message: string,
  extra: Record<string, string> = {},
): void => {
  const headers = { 'content-type': 'application/json', 'x-error-message': message, 'x-request-id': 'Root=1-test', ...extra }
  response.writeHead(status, { ...headers, ...(code !== undefined && { 'x-error-code': code }) }).end(JSON.stringify({ error: message }))
}

/** Answers as a fault of the kinds that replace the answer tells; false when the fault bends something else. */
export const sendFault = (response: ServerResponse, fault: Fault | undefined): boolean => {
  if (fault?.kind === 'silence') return true
  if (fault?.kind === 'status') response.writeHead(fault.status, { ...fault.headers }).end(fault.body ?? '')
  else if (fault?.kind === 'rate-limit') {
    const limits = { ratelimit: `"api";r=0;t=${fault.seconds}`, 'ratelimit-policy': '"fixed window";"api";q=500;w=300' }
    sendError(response, 429, undefined, 'We had to rate limit your IP', limits)
  } else return false
  return true
}

const tokenOf = (request: IncomingMessage): string | undefined => /^Bearer (.+)$/.exec(request.headers.authorization ?? '')?.[1]

/** Refuses what the caller may not see, as the Hub does; false when it may. `tokens` are the valid ones. */
export const sendRefusal = (
  request: IncomingMessage,
  response: ServerResponse,
  repository: Repository | undefined,
  tokens: readonly string[],
): boolean => {
  const token = tokenOf(request)
  const { spec } = repository ?? {}
  if (token !== undefined && !tokens.includes(token)) sendError(response, 401, undefined, 'Invalid credentials in Authorization header')
  else if (spec === undefined) sendError(response, token === undefined ? 401 : 404, 'RepoNotFound', 'Repository not found')
  else if (spec.private && token === undefined) sendError(response, 401, 'RepoNotFound', 'Invalid username or password.')
  else if (spec.disabled) sendError(response, 403, undefined, 'Access to this resource is disabled.')
  else return false
  return true
}

/** Refuses the files of a gated repository; false when it is not one. */
export const sendGate = (request: IncomingMessage, response: ServerResponse, { id, spec }: Repository): boolean => {
  if (!spec.gated) return false
  const anonymous = tokenOf(request) === undefined
  sendError(response, anonymous ? 401 : 403, 'GatedRepo', `Access to model ${id} is restricted and you are not in the authorized list.`)
  return true
}
