import { exitCodes } from '../std/exit-codes.ts'
import { endpointOf } from './addresses.ts'
import type { Asked, Rule } from './errors.ts'
import { isTransient } from './retry.ts'

const page = ({ hub, repo }: Asked): string => `${endpointOf(hub)}/models/${repo.replace('modelscope://', '')}`

/** Statuses of ModelScope to meanings, first match wins; its words say more and are passed on. */
export const modelScopeRules: readonly Rule[] = [
  {
    when: ({ status }) => status === 401,
    exitCode: exitCodes.permission,
    because: ({ hub }) => (hub.token === undefined ? 'it wants to know who asks, and no token was given' : 'it does not know the token'),
    fix: ({ hub }) => `set MODELSCOPE_API_TOKEN to a token from ${endpointOf(hub)}/my/myaccesstoken`,
  },
  {
    when: ({ status }) => status === 403,
    exitCode: exitCodes.permission,
    because: () => 'it does not permit it: the model is private, or its terms have to be accepted first',
    fix: (asked) => `accept the terms on ${page(asked)} with the account that MODELSCOPE_API_TOKEN belongs to`,
  },
  {
    when: ({ status }) => status === 404,
    exitCode: exitCodes.config,
    because: ({ revision }) => `the model does not exist there, is private, or has no revision '${revision ?? 'master'}'`,
    fix: (asked) => `check the spelling against ${page(asked)}, and AIM_REVISION; for a private model set MODELSCOPE_API_TOKEN`,
  },
  {
    when: ({ status }) => isTransient(status),
    exitCode: exitCodes.temporary,
    because: () => 'ModelScope is not available now, or wants fewer requests',
    fix: () => 'try again in some minutes',
  },
]
