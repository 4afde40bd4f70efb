import { type Options, type Variable, variables } from './variables.ts'

/**
 * The environment that parses to these options again: what differs from its default, by the variables' first names. Secrets are left
 * out unless asked for.
 */
export const toEnv = (options: Options, withSecrets = false): Readonly<Record<string, string>> =>
  Object.fromEntries(
    Object.entries(variables as Readonly<Record<string, Variable<unknown, unknown>>>).flatMap(([key, variable]) => {
      const value = options[key as keyof Options] as unknown
      if (value === undefined || (variable.secret && !withSecrets)) return []
      const text = variable.encode(value)
      return variable.default !== undefined && text === variable.encode(variable.default) ? [] : [[variable.name, text]]
    }),
  )
