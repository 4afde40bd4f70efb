/** The diagnosis of `aim doctor`. */
import { diagnoseGpus } from './diagnose-gpus.ts'
import { diagnoseHost } from './diagnose-host.ts'
import type { Finding } from './finding.ts'
import type { Symptoms } from './symptoms.ts'

/** All findings, errors first. */
export const diagnose = (symptoms: Symptoms): readonly Finding[] =>
  [...diagnoseGpus(symptoms), ...diagnoseHost(symptoms)].sort((a, b) => Number(b.severity === 'error') - Number(a.severity === 'error'))
