/** Edge: reads the environment for a command. */
import { type Environment, parse } from '../config/parse.ts'
import { showProblems } from '../config/show.ts'
import { type Options, variables } from '../config/variables.ts'
import { readSecretFile } from '../serve/secret-file.ts'
import { exitCodes } from '../std/exit-codes.ts'
import { Failure } from '../std/failure.ts'

/** Options of a command line that stand for a variable. */
export type Flags = {
  readonly gpuCount?: string
  readonly gpuModel?: string
  /** `gpuModel` and `gpuCount` as `aim fit` calls them. */
  readonly gpu?: string
  readonly count?: string
  readonly precision?: string
  readonly metric?: string
  readonly engine?: string
  readonly profile?: string
  readonly revision?: string
  readonly root?: string
}

const names: Readonly<Record<keyof Flags, string>> = {
  gpuCount: variables.gpuCount.name,
  gpuModel: variables.gpuModel.name,
  gpu: variables.gpuModel.name,
  count: variables.gpuCount.name,
  precision: variables.precision.name,
  metric: variables.metric.name,
  engine: variables.engine.name,
  profile: variables.profileId.name,
  revision: variables.revision.name,
  root: variables.sysfsRoot.name,
}

/** The environment with the command line laid over it: what is said nearer counts. */
export const overlay = (model: string | undefined, flags: Flags, extra: readonly string[]): Environment => {
  const { [variables.extraArguments.name]: given = '' } = process.env
  const set = Object.entries(names).flatMap(([flag, name]) => {
    const value = flags[flag as keyof Flags]
    return value === undefined ? [] : [[name, value]]
  })
  return {
    ...process.env,
    ...(model === undefined ? {} : { [variables.model.name]: model, AIM_ID: undefined }),
    ...Object.fromEntries(set),
    ...(extra.length === 0 ? {} : { [variables.extraArguments.name]: `${given} ${variables.extraArguments.encode(extra)}`.trim() }),
  }
}

/** The options of an environment; with problems in it a Failure that names them all (78). Warnings go to stderr where the log level lets them. */
export const readOptions = (environment: Environment): Options => {
  const { options, problems } = parse(environment, readSecretFile)
  const fatal = problems.filter(({ severity }) => severity === 'problem')
  if (fatal.length > 0) throw new Failure(`the environment has problems\n${showProblems(problems)}`, { exitCode: exitCodes.config })
  if (problems.length > 0) warnerFor(options)(showProblems(problems))
  return options
}

/** Says something on stderr that does not stop a command. */
export const warn = (sentence: string): void => void process.stderr.write(`${sentence}\n`)

/** The same as far as AIM_LOG_LEVEL lets warnings through: AMD's operator takes a pod's log for the answer, and asks for nothing else in it. */
export const warnerFor = ({ logLevel }: Pick<Options, 'logLevel'>): ((sentence: string) => void) =>
  logLevel === 'error' || logLevel === 'critical' ? () => undefined : warn
