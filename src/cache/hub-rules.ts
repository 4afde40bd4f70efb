import { exitCodes } from '../std/exit-codes.ts'
import { endpointOf } from './addresses.ts'
import type { Asked, Rule } from './errors.ts'
import { isTransient } from './retry.ts'

const page = ({ hub, repo }: Asked): string => `${endpointOf(hub)}/${repo}`
const withToken = ({ hub }: Asked, yes: string, no: string): string => (hub.token === undefined ? no : yes)

/** Statuses and codes of the Hub to meanings, first match wins; as `hf_raise_for_status` of huggingface_hub 2.0 reads them. */
export const hubRules: readonly Rule[] = [
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
