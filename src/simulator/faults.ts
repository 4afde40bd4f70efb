import { nearest } from '../std/nearest.ts'

/** Start-up phases in their order, as the words of `stall-at`. */
export const phaseNames = ['import', 'config', 'engine', 'weights', 'compile', 'profile', 'kv-cache', 'capture', 'http'] as const

/** One start-up phase. */
export type PhaseName = (typeof phaseNames)[number]

/** How a fault is written: by its name alone, `name=N` (with what N is when it is left out), or `stall-at=PHASE`. */
type FaultForm = { readonly argument: 'none' | 'number' | 'phase'; readonly unless?: number; readonly description: string }

type ReadFault = { readonly name: string; readonly value: number | string } | { readonly problem: string }

const seconds = (unless: number, description: string): FaultForm => ({ argument: 'number', unless, description })

/** Every misbehaviour that can be asked for in AIM_SIMULATOR_FAULT, a comma list. Times are real seconds, whatever the speed. */
export const faultForms = {
  'crash-at-load': {
    argument: 'none',
    description: 'The worker dies while it loads weights; AIM_SIMULATOR_CRASH_LOG is printed, the exit code is AIM_SIMULATOR_EXIT_CODE.',
  },
  'exit-after-ready': seconds(1, 'The server ends by itself N seconds after it is ready (1), with AIM_SIMULATOR_EXIT_CODE.'),
  'core-dies': seconds(1, 'The engine core kills itself N seconds after it is ready (1).'),
  'core-freezes': seconds(1, 'The engine core stops itself (SIGSTOP) N seconds after it is ready (1); every endpoint still answers.'),
  'worker-freezes': seconds(1, 'The worker stops itself (SIGSTOP) N seconds after it has loaded (1); every endpoint still answers.'),
  'silent-load': seconds(10, 'The worker reads its weights for N seconds (10) without a word.'),
  'slow-prefill': seconds(10, 'A prompt takes N seconds (10), in chunks that show in the usage of the KV cache alone.'),
  hang: {
    argument: 'number',
    unless: 20,
    description: 'After N tokens (20) the worker produces none, for ever; every endpoint still answers.',
  },
  'ignore-sigterm': { argument: 'none', description: 'SIGTERM and SIGINT do nothing to the server.' },
  'setsid-workers': {
    argument: 'none',
    description: 'Workers live in sessions of their own and outlive everything but a signal (ten minutes at most).',
  },
  'double-fork': {
    argument: 'none',
    description: 'Leaves a process behind that has left the session and whose parent is gone; it ends after ten minutes.',
  },
  'never-ready': { argument: 'none', description: 'Everything loads, but the port is never opened.' },
  'stall-at': { argument: 'phase', description: `The start stops for ever at a phase: ${phaseNames.join(', ')}.` },
  'slow-tokens': { argument: 'number', unless: 1000, description: 'Every token takes N milliseconds (1000).' },
  'flood-log': {
    argument: 'number',
    unless: 1000,
    description: 'Prints N lines a second (1000) to standard output from the first moment.',
  },
  'leak-shm': { argument: 'none', description: 'Leaves a /dev/shm/psm_* file behind.' },
  orphans: {
    argument: 'number',
    unless: 10,
    description: 'Once ready, N grandchildren (10) lose their parent and end a moment later, for whoever reaps.',
  },
  'health-500': { argument: 'none', description: '/health answers 500.' },
} as const satisfies Readonly<Record<string, FaultForm>>

/** The name of a misbehaviour. */
export type FaultName = keyof typeof faultForms

/** The misbehaviours asked for, each with its argument (`true` when it has none). */
export type Faults = { readonly [name in Exclude<FaultName, 'stall-at'>]?: number } & { readonly 'stall-at'?: PhaseName }

const readFault = (word: string): ReadFault => {
  const [name = '', argument] = word.split('=', 2)
  const form: FaultForm | undefined = (faultForms as Readonly<Record<string, FaultForm>>)[name]
  if (form === undefined) {
    const close = nearest(name, Object.keys(faultForms))
    return {
      problem: `'${name}' is no fault${close === undefined ? `: one of ${Object.keys(faultForms).join(', ')}` : `; did you mean '${close}'?`}`,
    }
  }
  if (form.argument === 'phase') {
    return (phaseNames as readonly (string | undefined)[]).includes(argument)
      ? { name, value: argument ?? '' }
      : { problem: `'${word}' needs a phase: ${phaseNames.join(', ')}` }
  }
  if (argument === undefined) return { name, value: form.unless ?? 1 }
  const value = Number(argument)
  const fits = form.argument === 'number' && /^\d+(\.\d+)?$/.test(argument)
  return fits ? { name, value } : { problem: `'${word}' ${form.argument === 'none' ? 'takes no argument' : 'needs a number, 0 or more'}` }
}

/** Reads the comma list; the problems are sentences, all of them. */
export const parseFaults = (text: string): { readonly faults: Faults; readonly problems: readonly string[] } => {
  const words = text.split(',').map((word) => word.trim())
  const read = words.filter((word) => word !== '').map(readFault)
  const pairs = read.flatMap((result) => ('problem' in result ? [] : [[result.name, result.value]]))
  return { faults: Object.fromEntries(pairs) as Faults, problems: read.flatMap((result) => ('problem' in result ? [result.problem] : [])) }
}
