/** What a choice among many profiles costs: times of `select` in this process, for the table of the bench. */
import { join } from 'node:path'
import { cardOf } from '../../src/hardware/cards.ts'
import { loadCatalog } from '../../src/recipes/catalog.ts'
import type { Profile } from '../../src/recipes/profile.ts'
import type { Question } from '../../src/recipes/question.ts'
import { select } from '../../src/recipes/select.ts'

const model = 'meta-llama/Llama-3.1-8B-Instruct'
const models = 500

/** Ten profiles of a model, and the same among 9,990 of `models` others. */
export const catalogs = async (): Promise<{ readonly ten: readonly Profile[]; readonly tenThousand: readonly Profile[] }> => {
  const { profiles } = await loadCatalog([join(import.meta.dirname, '../../recipes', `${model}.yaml`)])
  const ten = profiles.slice(0, 10)
  const others = Array.from({ length: 9990 }, (_, at): Profile => {
    const own = profiles[at % profiles.length] ?? profiles[0]
    if (own === undefined) throw new Error(`no profile of ${model}`)
    return { ...own, model: `org/model-${at % models}`, source: `recipes/org/model-${at % models}.yaml` }
  })
  return { ten, tenThousand: [...others.slice(0, 5000), ...ten, ...others.slice(5000)] }
}

const question = (): Question => ({
  ...{ model, engine: 'vllm', count: 'auto', metric: 'latency', allowGeneral: true },
  gpus: Array.from({ length: 8 }, () => cardOf('MI300X') ?? {}),
})

/** Milliseconds of one choice, for a machine that was not asked about before. */
export const timeOfChoice = (catalog: readonly Profile[]): number => {
  const asked = question()
  const start = performance.now()
  select(asked, catalog)
  return performance.now() - start
}
