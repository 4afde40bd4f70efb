/** `aim doctor`: what is wrong with where we run, why it matters and how to mend it. */
import { diagnose } from '../plan/diagnose.ts'
import { type Finding, worstOf } from '../plan/finding.ts'
import type { CacheSymptoms, HubSymptoms, ModelSymptoms, Symptoms } from '../plan/symptoms.ts'
import { gatherSymptoms } from '../serve/symptoms.ts'
import { formatBytes } from '../std/bytes.ts'
import { exitCodes } from '../std/exit-codes.ts'
import { type Flags, overlay } from './options.ts'
import { type Format, print } from './output.ts'
import { formatFacts } from './table.ts'

/** Options of `aim doctor` alone. */
export type DoctorFlags = Flags & { readonly strict?: true }

/** What a warning ends with where it must not pass. */
const warned = 1

/** Prints the findings and ends with the worst one's code (78, 77, 69, 74, 75); with only warnings 0, or 1 when `strict`. */
export const doctorCommand = async (model: string | undefined, { strict, ...flags }: DoctorFlags, format: Format): Promise<number> => {
  const symptoms = await gatherSymptoms(overlay(model, flags, []))
  const findings = diagnose(symptoms)
  const worst = worstOf(findings)
  const exitCode = worst === exitCodes.ok && strict === true && findings.length > 0 ? warned : worst
  const { inventory, cache, engine, hub, model: needs } = symptoms
  const found = { gpus: inventory.gpus.length, host: inventory.host, cache, engine, hub, model: needs }
  await print(format, { exitCode, findings, ...found }, () => [...findings.map(show), facts(symptoms), verdict(findings)].join('\n\n'))
  return exitCode
}

const show = ({ severity, what, why, fix: { docker, compose, kubernetes } }: Finding): string => {
  const fixes = docker === compose && docker === kubernetes ? [['fix', docker] as const] : Object.entries({ docker, compose, kubernetes })
  return [`${severity}: ${what}`, `  why: ${why}`, ...fixes.map(([where, fix]) => `  ${where}: ${fix}`)].join('\n')
}

const facts = ({ inventory: { gpus, host }, cache, engine, hub, model }: Symptoms): string =>
  formatFacts([
    ['gpus', `${gpus.length}${gpus[0]?.product === undefined ? '' : ` (${[...new Set(gpus.map(({ product }) => product))].join(', ')})`}`],
    ['memory', formatBytes(host.memoryLimitBytes ?? host.memoryBytes)],
    ['/dev/shm', host.shmBytes === undefined ? '-' : formatBytes(host.shmBytes)],
    ...(cache === undefined ? [] : [['cache', cacheInWords(cache)] as const]),
    ...(engine === undefined
      ? []
      : [['engine', [engine.file ?? '-', ...(engine.version === undefined ? [] : [engine.version])].join(' ')] as const]),
    ...(hub === undefined ? [] : [['hub', hubInWords(hub)] as const]),
    ...(model === undefined ? [] : [['model', modelInWords(model)] as const]),
  ])

const cacheInWords = ({ path, fileSystem, freeBytes }: CacheSymptoms): string => {
  const known = [...(fileSystem === undefined ? [] : [fileSystem]), ...(freeBytes === undefined ? [] : [`${formatBytes(freeBytes)} free`])]
  return `${path}${known.length === 0 ? '' : ` (${known.join(', ')})`}`
}

const hubInWords = ({ endpoint, withToken, silent, trouble }: HubSymptoms): string =>
  `${endpoint}, ${withToken ? 'with' : 'without'} a token${silent === true ? ', silent' : trouble === undefined ? '' : trouble.exitCode === exitCodes.temporary ? ', not reached' : ', refuses'}`

const modelInWords = ({ id, weightsBytes, downloadBytes }: ModelSymptoms): string =>
  [
    id,
    ...(weightsBytes === undefined ? [] : [`${formatBytes(weightsBytes)} of weights`]),
    ...(downloadBytes === undefined ? [] : [downloadBytes === 0 ? 'all in the cache' : `${formatBytes(downloadBytes)} to fetch`]),
  ].join(', ')

const verdict = (findings: readonly Finding[]): string => {
  const errors = findings.filter(({ severity }) => severity === 'error').length
  if (findings.length === 0) return 'nothing is wrong'
  return `${errors} ${errors === 1 ? 'error' : 'errors'}, ${findings.length - errors} ${findings.length - errors === 1 ? 'warning' : 'warnings'}`
}
