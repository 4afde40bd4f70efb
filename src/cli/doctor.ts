/** `aim doctor`: what is wrong with where we run, why it matters and how to mend it. */
import { diagnose } from '../plan/diagnose.ts'
import { type Finding, worstOf } from '../plan/finding.ts'
import type { Symptoms } from '../plan/symptoms.ts'
import { gatherSymptoms } from '../serve/symptoms.ts'
import { formatBytes } from '../std/bytes.ts'
import { type Flags, overlay } from './options.ts'
import { type Format, print } from './output.ts'
import { formatFacts } from './table.ts'

/** Prints the findings and ends with the worst one's code (78, 77, 69, 74); 0 when there are only warnings. */
export const doctorCommand = async (flags: Flags, format: Format): Promise<number> => {
  const symptoms = await gatherSymptoms(overlay(undefined, flags, []))
  const findings = diagnose(symptoms)
  const exitCode = worstOf(findings)
  const { inventory, cache, engine } = symptoms
  const found = { gpus: inventory.gpus.length, host: inventory.host, cache, engine }
  await print(format, { exitCode, findings, ...found }, () => [...findings.map(show), facts(symptoms), verdict(findings)].join('\n\n'))
  return exitCode
}

const show = ({ severity, what, why, fix: { docker, compose, kubernetes } }: Finding): string => {
  const fixes = docker === compose && docker === kubernetes ? [['fix', docker] as const] : Object.entries({ docker, compose, kubernetes })
  return [`${severity}: ${what}`, `  why: ${why}`, ...fixes.map(([where, fix]) => `  ${where}: ${fix}`)].join('\n')
}

const facts = ({ inventory: { gpus, host }, cache, engine }: Symptoms): string =>
  formatFacts([
    ['gpus', `${gpus.length}${gpus[0]?.product === undefined ? '' : ` (${[...new Set(gpus.map(({ product }) => product))].join(', ')})`}`],
    ['memory', formatBytes(host.memoryLimitBytes ?? host.memoryBytes)],
    ['/dev/shm', host.shmBytes === undefined ? '-' : formatBytes(host.shmBytes)],
    ...(cache === undefined
      ? []
      : [['cache', `${cache.path}${cache.freeBytes === undefined ? '' : ` (${formatBytes(cache.freeBytes)} free)`}`] as const]),
    ...(engine === undefined ? [] : [['engine', engine.file ?? '-'] as const]),
  ])

const verdict = (findings: readonly Finding[]): string => {
  const errors = findings.filter(({ severity }) => severity === 'error').length
  if (findings.length === 0) return 'nothing is wrong'
  return `${errors} ${errors === 1 ? 'error' : 'errors'}, ${findings.length - errors} ${findings.length - errors === 1 ? 'warning' : 'warnings'}`
}
