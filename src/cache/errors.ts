import { type ExitCode, exitCodes } from '../std/exit-codes.ts'
import { Failure } from '../std/failure.ts'
import { isRecord, parseJson } from '../std/json.ts'
import { hubRules } from './hub-rules.ts'
import { modelScopeRules } from './modelscope-rules.ts'
import { endpointVariable } from './protocol.ts'
import { isHub } from './redirect.ts'
import { type HeaderFields, headerOf, isTransient, toldDelay } from './retry.ts'
import { bucketRules } from './s3-rules.ts'
import type { Hub, HubKind } from './types.ts'
import { elementOf } from './xml.ts'

/** What a request was about, for wording its failure. */
export type Asked = { readonly hub: Hub; readonly repo: string; readonly revision?: string; readonly path?: string }

/** An answer that is no success; `url` is the address that gave it, after redirects. */
export type Answer = { readonly status: number; readonly headers: HeaderFields; readonly body: string; readonly url: URL }

/** A failure, and whether trying again may help. `throttled` is whether fewer connections might. */
export type Trouble = {
  readonly failure: Failure
  readonly transient: boolean
  readonly toldMs?: number | undefined
  readonly throttled?: boolean
}

/** An answer with what the server said in words and by code. */
export type Seen = Answer & { readonly code: string | undefined; readonly message: string }

/** What an answer means. `transient` is for what a new try with a new address may get past, beside the statuses that always may pass. */
export type Rule = {
  readonly when: (seen: Seen) => boolean
  readonly exitCode: ExitCode
  readonly transient?: true
  readonly because: (asked: Asked, seen: Seen) => string
  readonly fix: (asked: Asked, seen: Seen) => string
}

const subject = ({ repo, path }: Asked): string => (path === undefined ? `'${repo}'` : `'${path}' of '${repo}'`)

const textOf = (...values: readonly unknown[]): string => values.find((value) => typeof value === 'string') ?? ''

const messageOfBody = (body: string): string => {
  const value = parseJson(body)
  if (!isRecord(value)) return elementOf(body, 'Message') ?? ''
  const several = Array.isArray(value.errors) ? value.errors.filter(isRecord).map((entry) => String(entry.message)) : []
  return textOf(value.error, value.Message, several.join('; '))
}

// A server's words end up on a terminal and in a termination message of 4096 bytes.
const printable = (text: string): string =>
  text
    .replace(/\p{C}+/gu, ' ')
    .trim()
    .slice(0, 200)

const see = (answer: Answer): Seen => ({
  ...answer,
  code: headerOf(answer.headers, 'x-error-code') ?? elementOf(answer.body, 'Code'),
  message: printable(headerOf(answer.headers, 'x-error-message') ?? messageOfBody(answer.body)),
})

// The order in which huggingface_hub looks for an id that the Hub's support can search for.
const requestId = (headers: HeaderFields): string | undefined =>
  ['x-request-id', 'x-amzn-trace-id', 'x-amz-cf-id', 'x-amz-request-id']
    .map((name) => headerOf(headers, name))
    .find((id) => id !== undefined)

/** What the server said, in brackets; never the query of an address, which can be a signature. */
const evidence = ({ status, code, message, url, headers }: Seen): string => {
  const id = requestId(headers)
  const words = [`${url.host} answered ${status}`, code, message && `"${message}"`, id && `request ${printable(id)}`]
  return `(${words.filter(Boolean).join(', ')})`
}

const rules: { readonly [K in HubKind]: readonly Rule[] } = { huggingface: hubRules, modelscope: modelScopeRules, s3: bucketRules }

const unexpected: Rule = {
  when: () => true,
  exitCode: exitCodes.temporary,
  because: () => 'the answer was not expected',
  fix: ({ hub }) => `try again; if it stays, check ${endpointVariable(hub)} and the proxy`,
}

const storageHost: Rule = {
  when: () => true,
  exitCode: exitCodes.temporary,
  because: () => 'the storage host that the Hub sent us to refused',
  fix: () => 'try again; if it stays, let the proxy or firewall pass that host',
}

const failureBy = (rule: Rule, seen: Seen, asked: Asked): Failure =>
  new Failure(`cannot fetch ${subject(asked)}: ${rule.because(asked, seen)} ${evidence(seen)}`, {
    exitCode: rule.exitCode,
    fix: rule.fix(asked, seen),
  })

/** Reads an answer that is no success. One from a storage host is worth another try with a new signed address, unless it says the file is not there. */
export const explainAnswer = (answer: Answer, asked: Asked): Trouble => {
  const seen = see(answer)
  const toldMs = isTransient(seen.status) ? toldDelay(seen.headers) : undefined
  if (!isHub(seen.url, asked.hub)) {
    const transient = isTransient(seen.status) || [400, 401, 403, 416].includes(seen.status)
    // Seen on an edge that gave 403 to all but one of parallel ranges.
    return { failure: failureBy(storageHost, seen, asked), transient, toldMs, throttled: [403, 429, 503].includes(seen.status) }
  }
  const rule = rules[asked.hub.kind ?? 'huggingface'].find(({ when }) => when(seen)) ?? unexpected
  const transient = rule.transient ?? (isTransient(seen.status) || seen.status === 416)
  return { failure: failureBy(rule, seen, asked), transient, toldMs, throttled: [429, 503].includes(seen.status) }
}
