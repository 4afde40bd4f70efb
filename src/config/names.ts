import { nearest } from '../std/nearest.ts'
import type { Problem } from '../std/problem.ts'
import { acceptedNames, simulatorPrefix, variables } from './variables.ts'

/** Every name that means something, `_FILE` forms of secrets included. */
export const knownNames: ReadonlySet<string> = new Set(
  Object.values(variables).flatMap((variable) => {
    const names = [variable.name, ...('aliases' in variable ? variable.aliases : [])]
    return 'secret' in variable ? names.flatMap((name) => [name, `${name}_FILE`]) : names
  }),
)

/** Names of what Kubernetes injects for a Service (Docker links form): `X_SERVICE_HOST`, `X_PORT`, `X_PORT_8000_TCP_ADDR` ... */
const linkName = /^[A-Z][A-Z0-9_]*_(?:SERVICE_HOST|SERVICE_PORT(?:_[A-Z0-9_]+)?|PORT(?:_\d+_(?:TCP|UDP|SCTP)(?:_(?:PROTO|PORT|ADDR))?)?)$/
const linkUri = /^(?:tcp|udp|sctp):\/\/(?:[\d.]+|\[[0-9a-fA-F:]+\]):\d+$/
const linkValue = /^(?:(?:tcp|udp|sctp):\/\/\S+:\d+|\d+|[\d.]+|[0-9a-fA-F:]+|tcp|udp|sctp)$/i

/**
 * Whether a variable has the shape of a service link, as Kubernetes injects for a Service named `aim`, `aim-engine` or `aim-ops`. A name of
 * ours (AIM_PORT, AIM_OPS_PORT) is one only when its value is a `tcp://` URI.
 */
export const isServiceLink = (name: string, value: string): boolean =>
  knownNames.has(name) ? linkName.test(name) && linkUri.test(value) : linkName.test(name) && linkValue.test(value)

/** What to say of each AIM_ variable that is not in the table: a slip of a known name is a problem, anything else a warning. */
export const unknownNames = (environment: Readonly<Record<string, string | undefined>>): readonly Problem[] =>
  Object.entries(environment).flatMap(([name, value]) => {
    if (!name.startsWith('AIM_') || knownNames.has(name) || acceptedNames.includes(name) || name.startsWith(simulatorPrefix)) return []
    if (value === undefined || isServiceLink(name, value)) return []
    return [unknown(name)]
  })

const unknown = (name: string): Problem => {
  const close = nearest(name, knownNames)
  // The value of a misspelt secret must not be shown either, so it is left out for all.
  return close === undefined
    ? { severity: 'warning', key: name, rule: 'is not a variable of this program', fix: '`aim help env` lists them all' }
    : { severity: 'problem', key: name, rule: 'is not a variable of this program', fix: `did you mean ${close}?` }
}
