import { readModelName } from '../cache/model-name.ts'
import type { Gpu, Host, Inventory } from '../hardware/inventory.ts'
import { gpusAskedBy } from '../recipes/parallel.ts'
import type { Question } from '../recipes/question.ts'
import { overridesOf } from './arguments.ts'
import type { ModelSource } from './launch.ts'
import type { Request } from './request.ts'

/** The GPUs that may be used, under the product's name that the user gave instead of the detected one. */
export const usableGpus = ({ gpuModel }: Request, { gpus, blocked }: Inventory): readonly Gpu[] => {
  if (blocked !== undefined) return []
  return gpuModel === undefined ? gpus : gpus.map((gpu) => ({ ...gpu, product: gpuModel }))
}

/** Memory that this container may use, bytes; undefined when the machine did not tell (which detection reports as 0). */
export const usableMemory = ({ memoryBytes, memoryLimitBytes }: Host): number | undefined =>
  memoryBytes > 0 ? Math.min(memoryBytes, memoryLimitBytes ?? memoryBytes) : memoryLimitBytes

/** What to ask the recipes. Without a source the weights are not known yet and every repository goes. */
export const questionOf = (request: Request, inventory: Inventory, source?: ModelSource): Question => {
  const gpus = usableGpus(request, inventory)
  const overrides = overridesOf(request)
  const memoryBytes = usableMemory(inventory.host)
  // Whoever says how to divide the work has said how many GPUs.
  const count = request.gpuCount === 'auto' && gpus.length > 0 ? (gpusAskedBy(overrides) ?? 'auto') : request.gpuCount
  return {
    model: request.model,
    engine: request.engine,
    gpus,
    count,
    metric: request.metric,
    allowGeneral: request.allowGeneral,
    overrides,
    ...(request.gpuModel === undefined ? {} : { sought: 1 }),
    ...(memoryBytes === undefined ? {} : { memoryBytes }),
    ...(request.boots === undefined ? {} : { boots: request.boots }),
    ...(request.precision === undefined ? {} : { precision: request.precision }),
    ...(request.profileId === undefined ? {} : { profileId: request.profileId }),
    ...(source === undefined ? {} : { facts: source.facts, repository: readModelName(source.artifact?.repo ?? source.id).name }),
  }
}
