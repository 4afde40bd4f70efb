import type { Problem } from '../std/problem.ts'
import { type Variable, variables } from './variables.ts'

/** Problems as lines for a person: the variable, the value, the rule, what to do. */
export const showProblems = (problems: readonly Problem[]): string => problems.map(showProblem).join('\n')

const showProblem = ({ severity, key, value, rule, fix }: Problem): string => {
  const given = value === undefined ? '' : `=${JSON.stringify(value)}`
  return `${severity}: ${key}${given} ${rule}${fix === undefined ? '' : `\n  fix: ${fix}`}`
}

/** One documented variable: the row of `aim help env` and of the README's table. */
export type VariableRow = { readonly name: string; readonly default: string; readonly rule: string; readonly summary: string }

/** Every variable, in the table's order. */
export const variableRows = (): readonly VariableRow[] =>
  Object.values(variables as Readonly<Record<string, Variable<unknown, unknown>>>).map((variable) => ({
    name: [variable.name, ...(variable.aliases ?? []), ...(variable.secret ? [`${variable.name}_FILE`] : [])].join(', '),
    default: variable.defaultText ?? (variable.default === undefined ? '' : variable.encode(variable.default)),
    rule: variable.rule,
    summary: variable.summary,
  }))
