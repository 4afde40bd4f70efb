/** All that is wrong with what a user gave, whatever room would find it: told at once, before anything is opened. */
import type { Environment } from '../config/parse.ts'
import { missingModel } from '../config/rooms.ts'
import { showProblems } from '../config/show.ts'
import type { Options } from '../config/variables.ts'
import { checkRequest } from '../plan/check-arguments.ts'
import { isRefusal } from '../plan/refusal.ts'
import { Failure } from '../std/failure.ts'
import type { Problem } from '../std/problem.ts'
import { flagRules } from './flags.ts'
import { requestFor } from './prepare.ts'

/** What to tell; undefined when nothing stands in the way of a start, warnings aside. */
export const problemText = (options: Options, environment: Environment, problems: readonly Problem[]): string | undefined => {
  const all = [...problems, ...missingModel(options)]
  if (!all.some(({ severity }) => severity === 'problem')) return undefined
  return ['the environment has problems', showProblems(all), ...argumentProblems(options, environment)].join('\n')
}

/** Of options that did not all parse, so that a second try does not end at the engine's arguments. */
const argumentProblems = (options: Options, environment: Environment): readonly string[] => {
  try {
    const request = requestFor({ ...options, model: options.model ?? 'org/name' }, environment)
    const checked = checkRequest(request, flagRules(options))
    return isRefusal(checked) ? [checked.message] : []
  } catch (error) {
    if (error instanceof Failure) return [error.message]
    throw error
  }
}
