/** The diagnosis of `aim doctor`. */
import { diagnoseGpus } from './diagnose-gpus.ts'
import { diagnoseHost } from './diagnose-host.ts'
import { diagnoseCache, diagnoseEngine } from './diagnose-image.ts'
import { diagnoseModel } from './diagnose-model.ts'
import type { Finding } from './finding.ts'
import type { Symptoms } from './symptoms.ts'

/** All findings, errors first. */
export const diagnose = (symptoms: Symptoms): readonly Finding[] =>
  [
    ...diagnoseGpus(symptoms),
    ...diagnoseHost(symptoms),
    ...(symptoms.cache === undefined ? [] : diagnoseCache(symptoms.cache, symptoms.model)),
    ...(symptoms.engine === undefined ? [] : diagnoseEngine(symptoms.engine)),
    ...diagnoseModel(symptoms),
  ].sort((a, b) => Number(b.severity === 'error') - Number(a.severity === 'error'))
