import type { Cause } from './cause.ts'
import { argumentCauses } from './causes-arguments.ts'
import { buildCauses } from './causes-build.ts'
import { deathCauses } from './causes-deaths.ts'
import { hostCauses } from './causes-host.ts'
import { machineCauses } from './causes-machine.ts'
import { modelCauses } from './causes-model.ts'
import { networkCauses } from './causes-network.ts'
import { settingCauses } from './causes-settings.ts'
import { stageCauses } from './causes-stages.ts'
import { weightCauses } from './causes-weights.ts'

/**
 * Every cause that is known. Fragments were seen in failed starts of vLLM 0.32 on the CPU (test/engines/failed-starts.ts makes them), or
 * stand in the sources of vLLM 0.23 to 0.32, of ROCm's runtime and of RCCL where it takes a GPU. Where two rules read the same line, the
 * earlier one names it.
 */
export const causes: readonly Cause[] = [
  ...argumentCauses,
  ...settingCauses,
  ...weightCauses,
  ...modelCauses,
  ...machineCauses,
  ...buildCauses,
  ...hostCauses,
  ...networkCauses,
  ...deathCauses,
  ...stageCauses,
]

/** Every name that an end of an engine can get: the closed set of a metric's label. */
export const causeNames: readonly string[] = [...new Set([...causes.map(({ cause }) => cause), 'unknown'])].sort()
