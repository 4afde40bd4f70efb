import { nearest } from '../std/nearest.ts'
import type { Problem } from '../std/problem.ts'
import type { Read } from '../std/result.ts'
import { isServiceLink, unknownNames } from './names.ts'
import { type Options, type Variable, variables } from './variables.ts'

/** The environment as process.env has it. */
export type Environment = Readonly<Record<string, string | undefined>>

/** The options, and all that is wrong or odd with the environment. With a problem among them the options must not be used to start anything. */
export type Parsed = { readonly options: Options; readonly problems: readonly Problem[] }

type AnyVariable = Variable<unknown, unknown>
type Found = { readonly name: string; readonly value: string }

/** Reads the whole environment at once. `readFile` serves the `_FILE` form of secrets. Never throws. */
export const parse = (environment: Environment, readFile: (path: string) => Read<string>): Parsed => {
  const strict = !/^\s*(?:false|no|0|off)\s*$/i.test(environment[variables.strict.name] ?? '')
  const problems: Problem[] = [...unknownNames(environment)]
  const entries = Object.entries(variables as Readonly<Record<string, AnyVariable>>).map(([key, variable]) => {
    const found = find(key, variable, environment, readFile, problems)
    return [key, found === undefined ? variable.default : decode(key, variable, found, strict, problems)] as const
  })
  const options = Object.fromEntries(entries) as Options
  return { options, problems: [...problems, ...contradictions(options, environment)] }
}

/** The first of the names that is set and not empty (an empty variable is how Compose passes an unset one); service links do not count. */
const find = (
  key: string,
  variable: AnyVariable,
  environment: Environment,
  readFile: (path: string) => Read<string>,
  problems: Problem[],
): Found | undefined => {
  const names = [variable.name, ...(variable.aliases ?? [])]
  for (const name of names) {
    const value = environment[name]
    if (value !== undefined && value !== '' && !isServiceLink(name, value)) return { name, value }
  }
  return variable.secret ? findInFile(key, names, environment, readFile, problems) : undefined
}

const findInFile = (
  _key: string,
  names: readonly string[],
  environment: Environment,
  readFile: (path: string) => Read<string>,
  problems: Problem[],
): Found | undefined => {
  for (const name of names.map((plain) => `${plain}_FILE`)) {
    const path = environment[name]
    if (path === undefined || path === '') continue
    const read = readFile(path)
    const value = read.ok ? read.value.trim() : ''
    if (value !== '') return { name, value }
    const rule = read.ok ? 'must name a file that is not empty' : `must name a file that can be read (${read.code})`
    problems.push({ severity: 'problem', key: name, value: path, rule, fix: `mount the secret there, or unset ${name}` })
    return undefined
  }
  return undefined
}

const decode = (_key: string, variable: AnyVariable, found: Found, strict: boolean, problems: Problem[]): unknown => {
  const result = variable.schema().safeParse(found.value)
  if (result.success) return result.data
  const lenient = !strict && variable.lenient === true
  const fix = lenient
    ? `ignored (AIM_STRICT=false); the default ${variable.encode(variable.default)} is used`
    : suggestion(variable, found.value)
  problems.push({
    severity: lenient ? 'warning' : 'problem',
    key: found.name,
    value: mask(variable, found.value),
    rule: variable.rule,
    ...(fix === undefined ? {} : { fix }),
  })
  return variable.default
}

const suggestion = (variable: AnyVariable, value: string): string | undefined => {
  const close = nearest(value, variable.choices ?? [])
  return close === undefined ? undefined : `did you mean ${close}?`
}

/** Engine arguments may hold an API key, so a value that speaks of one is not shown either. */
const mask = (variable: AnyVariable, value: string): string => (variable.secret || /key|token|secret|password/i.test(value) ? '***' : value)

/** Rules over several variables. */
const contradictions = (options: Options, environment: Environment): readonly Problem[] => [
  ...bothModels(environment, options.strict),
  ...(options.port === options.opsPort
    ? [
        {
          severity: 'problem',
          key: variables.opsPort.name,
          value: String(options.opsPort),
          rule: 'must differ from AIM_PORT',
          fix: 'give it another port',
        } as const,
      ]
    : []),
]

const bothModels = (environment: Environment, strict: boolean): readonly Problem[] => {
  const { AIM_MODEL_ID: model, AIM_ID: id } = environment
  if (!model || !id || model === id) return []
  return [
    {
      severity: strict ? 'problem' : 'warning',
      key: 'AIM_ID',
      value: id,
      rule: `must not name another model than AIM_MODEL_ID (${model})`,
      fix: strict ? 'set only one of the two' : 'AIM_MODEL_ID is used (AIM_STRICT=false)',
    },
  ]
}
