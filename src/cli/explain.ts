/** `aim explain`: where each argument and variable of the engine comes from. */
import { checkWords } from '../engine/flag-words.ts'
import { type Setting, settingsOf } from '../plan/settings.ts'
import { flagRules } from '../serve/flags.ts'
import type { Flags } from './options.ts'
import { type Format, look, print } from './output.ts'
import type { Paint } from './paint.ts'
import { preparePlan } from './plan.ts'
import { wrap } from './wrap.ts'

/** Prints every final value with its source and what it stands in place of. */
export const explainCommand = async (
  model: string | undefined,
  extra: readonly string[],
  flags: Flags,
  format: Format,
): Promise<number> => {
  const { launch, request, options } = await preparePlan(model, extra, flags)
  const settings = settingsOf(launch, request, checkWords(flagRules(options).schema, extra).words)
  const { width, paint } = look()
  await print(format, settings, () => settings.flatMap((setting) => show(setting, width, paint)).join('\n'))
  return 0
}

/** The value on one line, which can be copied; its source and the others below it. */
const show = ({ name, value, source, instead, kind }: Setting, width: number, paint: Paint): readonly string[] => [
  kind === 'variable' ? `${paint('bold', name)}=${value ?? ''}` : argumentIn(name, value, paint),
  ...wrap(`from ${source}`, width, '    '),
  ...instead.flatMap((other) => wrap(`over ${other.value} of ${other.source}`, width, '    ')),
]

/** As the engine's command line has it. */
const argumentIn = (name: string, value: string | undefined, paint: Paint): string => {
  if (value === undefined) return `${paint('bold', name)} (left out)`
  if (value === 'false') return paint('bold', name.replace('--', '--no-'))
  return value === 'true' ? paint('bold', name) : `${paint('bold', name)} ${value}`
}
