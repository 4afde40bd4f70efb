import { type ExitCode, exitCodes } from '../std/exit-codes.ts'
import { Failure } from '../std/failure.ts'
import { isRecord } from '../std/json.ts'
import { endpointOf } from './addresses.ts'
import { isHub } from './redirect.ts'
import { type HeaderFields, headerOf, toldDelay } from './retry.ts'
import type { Hub } from './types.ts'

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

type Seen = Answer & { readonly code: string | undefined; readonly message: string }
type Rule = {
  readonly when: (seen: Seen) => boolean
  readonly exitCode: ExitCode
  readonly because: (asked: Asked) => string
  readonly fix: (asked: Asked) => string
}

const page = ({ hub, repo }: Asked): string => `${endpointOf(hub)}/${repo}`
const subject = ({ repo, path }: Asked): string => (path === undefined ? `'${repo}'` : `'${path}' of '${repo}'`)
const withToken = ({ hub }: Asked, yes: string, no: string): string => (hub.token === undefined ? no : yes)

const messageOfBody = (body: string): string => {
  try {
    const value: unknown = JSON.parse(body)
    if (!isRecord(value)) return ''
    const several = Array.isArray(value.errors) ? value.errors.filter(isRecord).map((entry) => String(entry.message)) : []
    return typeof value.error === 'string' ? value.error : several.join('; ')
  } catch {
    return ''
  }
}

// A server's words end up on a terminal and in a termination message of 4096 bytes.
const printable = (text: string): string =>
  text
    .replace(/\p{C}+/gu, ' ')
    .trim()
    .slice(0, 200)

const see = (answer: Answer): Seen => ({
  ...answer,
  code: headerOf(answer.headers, 'x-error-code'),
  message: printable(headerOf(answer.headers, 'x-error-message') ?? messageOfBody(answer.body)),
})

// The order in which huggingface_hub looks for an id that the Hub's support can search for.
const requestId = (headers: HeaderFields): string | undefined =>
  ['x-request-id', 'x-amzn-trace-id', 'x-amz-cf-id'].map((name) => headerOf(headers, name)).find((id) => id !== undefined)

/** What the server said, in brackets; never the query of an address, which can be a signature. */
const evidence = ({ status, code, message, url, headers }: Seen): string => {
  const id = requestId(headers)
  const words = [`${url.host} answered ${status}`, code, message && `"${message}"`, id && `request ${printable(id)}`]
  return `(${words.filter(Boolean).join(', ')})`
}

const isTransient = (status: number): boolean => status === 408 || status === 429 || status >= 500

/** Statuses and codes of the Hub to meanings, first match wins; as `hf_raise_for_status` of huggingface_hub 2.0 reads them. */
const rules: readonly Rule[] = [
  {
    when: ({ code }) => code === 'GatedRepo',
    exitCode: exitCodes.permission,
    because: () => 'the repository is gated: its terms have to be accepted first',
    fix: (asked) =>
      withToken(
        asked,
        `accept the terms on ${page(asked)} with the account that HF_TOKEN belongs to, and let the token read gated repositories`,
        `accept the terms on ${page(asked)} and set HF_TOKEN to a token of that account`,
      ),
  },
  {
    when: ({ status, message }) => status === 401 && /invalid credentials in authorization header/i.test(message),
    exitCode: exitCodes.permission,
    because: () => 'the Hub does not know the token: it is mistyped, expired or revoked',
    fix: ({ hub }) => `make a new token on ${endpointOf(hub)}/settings/tokens and set HF_TOKEN to it`,
  },
  {
    // Anonymous callers get a bare 401 for a repository that does not exist, so that private names cannot be guessed.
    when: ({ status, code }) => code === 'RepoNotFound' || (status === 401 && code === undefined),
    exitCode: exitCodes.config,
    because: (asked) =>
      `it does not exist, or it is private and ${withToken(asked, 'the token has no access to it', 'no token was given')}`,
    fix: (asked) => `check the spelling; if it is private, set HF_TOKEN to ${withToken(asked, 'a token that may read it', 'your token')}`,
  },
  {
    when: ({ code }) => code === 'RevisionNotFound',
    exitCode: exitCodes.config,
    because: ({ revision }) => `the repository has no revision '${revision ?? 'main'}'`,
    fix: (asked) => `choose a branch, tag or commit listed on ${page(asked)}/tree/main`,
  },
  {
    when: ({ code }) => code === 'EntryNotFound',
    exitCode: exitCodes.config,
    because: ({ revision }) => `revision '${revision ?? 'main'}' holds no such file`,
    fix: (asked) => `choose a revision that has it, see ${page(asked)}`,
  },
  {
    when: ({ message }) => /access to this resource is disabled/i.test(message),
    exitCode: exitCodes.permission,
    because: () => 'the Hub has disabled the repository',
    fix: (asked) => `see ${page(asked)} for the reason and choose another model`,
  },
  {
    when: ({ status }) => status === 401 || status === 403,
    exitCode: exitCodes.permission,
    because: () => 'the Hub does not permit it',
    fix: (asked) =>
      withToken(asked, 'give the token of HF_TOKEN the right to read this repository', 'set HF_TOKEN to a token that may read it'),
  },
  {
    when: ({ status }) => status === 429,
    exitCode: exitCodes.temporary,
    because: () => 'the rate limit is used up',
    fix: (asked) =>
      withToken(asked, 'try again in some minutes', 'set HF_TOKEN: without one, everybody behind your address shares one limit'),
  },
  {
    when: ({ status }) => isTransient(status),
    exitCode: exitCodes.temporary,
    because: () => 'the Hub is not available now',
    fix: () => 'try again; see status.huggingface.co, or your mirror when HF_ENDPOINT is set',
  },
  {
    when: ({ status }) => status === 404,
    exitCode: exitCodes.config,
    because: () => 'there is no such page, and a Hub would have said why',
    fix: () => 'check that HF_ENDPOINT names a Hugging Face Hub',
  },
]

const unexpected: Rule = {
  when: () => true,
  exitCode: exitCodes.temporary,
  because: () => 'the answer was not expected',
  fix: () => 'try again; if it stays, check HF_ENDPOINT and the proxy',
}

const storageHost: Rule = {
  when: () => true,
  exitCode: exitCodes.temporary,
  because: () => 'the storage host that the Hub sent us to refused',
  fix: () => 'try again; if it stays, let the proxy or firewall pass that host',
}

const failureBy = (rule: Rule, seen: Seen, asked: Asked): Failure =>
  new Failure(`cannot fetch ${subject(asked)}: ${rule.because(asked)} ${evidence(seen)}`, { exitCode: rule.exitCode, fix: rule.fix(asked) })

/** Reads an answer that is no success. One from a storage host is worth another try with a new signed address, unless it says the file is not there. */
export const explainAnswer = (answer: Answer, asked: Asked): Trouble => {
  const seen = see(answer)
  const toldMs = isTransient(seen.status) ? toldDelay(seen.headers) : undefined
  if (!isHub(seen.url, asked.hub.endpoint)) {
    const transient = isTransient(seen.status) || [400, 401, 403, 416].includes(seen.status)
    // Seen on an edge that gave 403 to all but one of parallel ranges.
    return { failure: failureBy(storageHost, seen, asked), transient, toldMs, throttled: [403, 429, 503].includes(seen.status) }
  }
  const rule = rules.find(({ when }) => when(seen)) ?? unexpected
  const throttled = [429, 503].includes(seen.status)
  return { failure: failureBy(rule, seen, asked), transient: isTransient(seen.status) || seen.status === 416, toldMs, throttled }
}
