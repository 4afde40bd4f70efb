import { exitCodes } from '../std/exit-codes.ts'
import { Failure } from '../std/failure.ts'
import { nearest } from '../std/nearest.ts'
import { type Faults, parseFaults } from './faults.ts'

/** How the simulator behaves, apart from vLLM's own arguments. */
export type Behaviour = {
  /** How many times faster than the captured engine it starts, notices and stops. Not for tokens, nor for what a user gives in seconds. */
  readonly speed: number
  /** Milliseconds per step, so per token of a stream. */
  readonly tokenMs: number
  /** Milliseconds of a step that takes up new requests. */
  readonly prefillMs: number
  /** Which side wins when SIGTERM meets an open stream without `--shutdown-timeout`. */
  readonly termRace: 'cut' | 'hang'
  /** Size of the pretended KV cache, in tokens: what does not fit waits. */
  readonly kvTokens: number
  readonly faults: Faults
  readonly crashLog: string | undefined
  readonly exitCode: number
}

/** One variable of the simulator: a row of its documentation and the rule its text must fit. */
export type SimulatorVariable = {
  readonly name: string
  readonly description: string
  /** As text; empty when unset means nothing is done. */
  readonly default: string
  /** What fits, in words. */
  readonly rule: string
}

/** Every variable the simulator reads; an empty one counts as unset, an unknown AIM_SIMULATOR_* is refused. */
export const simulatorVariables = [
  {
    name: 'AIM_SIMULATOR_SPEED',
    description: 'How many times faster than the real engine it starts and stops: 1 is a start of 60 seconds, 20 one of 3 seconds.',
    default: '20',
    rule: 'a number above 0',
  },
  { name: 'AIM_SIMULATOR_TOKEN_MS', description: 'Milliseconds that a token takes.', default: '10', rule: 'a number, 0 or more' },
  {
    name: 'AIM_SIMULATOR_PREFILL_MS',
    description: 'Milliseconds before the first token of a request.',
    default: '20',
    rule: 'a number, 0 or more',
  },
  {
    name: 'AIM_SIMULATOR_TERM_RACE',
    description: 'What becomes of open streams at SIGTERM without --shutdown-timeout: cut (they end) or hang (they never do, as vLLM can).',
    default: 'cut',
    rule: 'cut or hang',
  },
  {
    name: 'AIM_SIMULATOR_KV_TOKENS',
    description: 'Tokens that fit into the pretended KV cache; requests beyond it wait.',
    default: '1048576',
    rule: 'a whole number above 0',
  },
  { name: 'AIM_SIMULATOR_FAULT', description: 'Misbehaviours, a comma list.', default: '', rule: 'known faults' },
  {
    name: 'AIM_SIMULATOR_CRASH_LOG',
    description: 'A file that crash-at-load prints to standard error before it ends.',
    default: '',
    rule: 'a path',
  },
  {
    name: 'AIM_SIMULATOR_EXIT_CODE',
    description: 'Exit code of crash-at-load and exit-after-ready.',
    default: '1',
    rule: 'a whole number from 0 to 255',
  },
] as const satisfies readonly SimulatorVariable[]

type Name = (typeof simulatorVariables)[number]['name']

const prefix = 'AIM_SIMULATOR_'
const known: ReadonlySet<string> = new Set(simulatorVariables.map((variable) => variable.name))

type Environment = Readonly<Record<string, string | undefined>>

const unknownOnes = (environment: Environment): readonly string[] =>
  Object.keys(environment)
    .filter((name) => name.startsWith(prefix) && !known.has(name))
    .map((name) => {
      const close = nearest(name, known)
      return `${name} is no variable of the simulator${close === undefined ? '' : `; did you mean ${close}?`}`
    })

/** Reads the environment strictly; throws one Failure (exit code 2) that names every variable that does not fit. */
export const parseBehaviour = (environment: Environment): Behaviour => {
  const problems: string[] = [...unknownOnes(environment)]
  const textOf = (name: Name): string => {
    const given = environment[name]
    return given === undefined || given === '' ? (simulatorVariables.find((variable) => variable.name === name)?.default ?? '') : given
  }
  const refuse = (name: Name): number => {
    problems.push(`${name}='${textOf(name)}' does not fit: ${simulatorVariables.find((variable) => variable.name === name)?.rule}`)
    return 0
  }
  const number = (name: Name, fits: (value: number) => boolean): number => {
    const value = /^\d+(\.\d+)?$/.test(textOf(name)) ? Number(textOf(name)) : Number.NaN
    return fits(value) ? value : refuse(name)
  }
  const race = textOf('AIM_SIMULATOR_TERM_RACE')
  if (race !== 'cut' && race !== 'hang') refuse('AIM_SIMULATOR_TERM_RACE')
  const faults = parseFaults(textOf('AIM_SIMULATOR_FAULT'))
  const behaviour: Behaviour = {
    speed: number('AIM_SIMULATOR_SPEED', (value) => value > 0),
    tokenMs: number('AIM_SIMULATOR_TOKEN_MS', (value) => value >= 0),
    prefillMs: number('AIM_SIMULATOR_PREFILL_MS', (value) => value >= 0),
    termRace: race === 'hang' ? 'hang' : 'cut',
    kvTokens: number('AIM_SIMULATOR_KV_TOKENS', (value) => Number.isInteger(value) && value > 0),
    faults: faults.faults,
    crashLog: textOf('AIM_SIMULATOR_CRASH_LOG') || undefined,
    exitCode: number('AIM_SIMULATOR_EXIT_CODE', (value) => Number.isInteger(value) && value <= 255),
  }
  problems.push(...faults.problems.map((problem) => `AIM_SIMULATOR_FAULT: ${problem}`))
  if (problems.length > 0) throw new Failure(`cannot simulate: ${problems.join('; ')}`, { exitCode: exitCodes.usage })
  return behaviour
}
