/** Machines, models and profiles for the tests of this room and of plan/. */

import type { ModelFacts } from '../../src/model/facts.ts'
import { profileId } from '../../src/recipes/id.ts'
import type { Profile } from '../../src/recipes/profile.ts'
import type { AvailableGpu, Question } from '../../src/recipes/question.ts'

/** As KFD reports their memory. */
export const kinds = {
  MI300X: { product: 'MI300X', gfx: 'gfx942', vramBytes: 206141652992 },
  MI355X: { product: 'MI355X', gfx: 'gfx950', vramBytes: 309220868096 },
  MI210: { product: 'MI210', gfx: 'gfx90a', vramBytes: 68702699520 },
  R9700: { product: 'R9700', gfx: 'gfx1201', vramBytes: 34208743424 },
} as const satisfies Record<string, AvailableGpu>

export const gpus = (kind: keyof typeof kinds, amount: number): readonly AvailableGpu[] => Array.from({ length: amount }, () => kinds[kind])

export const model = 'meta-llama/Llama-3.1-8B-Instruct'

export const facts8b: ModelFacts = {
  task: 'generate',
  precision: 'bf16',
  contextLength: 131072,
  weightsBytes: 16060556376,
  attentionHeads: 32,
  kvHeads: 8,
  kvBytesPerToken: 131072,
}

export const facts70b: ModelFacts = {
  ...facts8b,
  weightsBytes: 141107412448,
  attentionHeads: 64,
  kvBytesPerToken: 327680,
}

/** A profile of the model on one MI300X in fp8 for latency, but for what is given. */
export const profile = (given: Partial<Profile> = {}): Profile => {
  const parts = {
    engine: 'vllm',
    gpu: given.gpu ?? 'MI300X',
    gpuCount: given.gpuCount ?? 1,
    precision: given.precision ?? 'fp8',
    metric: given.metric ?? 'latency',
  } as const
  return {
    ...parts,
    id: profileId(parts),
    model,
    type: 'optimized',
    manualOnly: false,
    arguments: { 'max-model-len': 32768 },
    environment: {},
    resources: {},
    source: 'recipes/a.yaml',
    ...given,
  }
}

/** A profile that serves any model. */
export const general = (given: Partial<Profile> = {}): Profile => {
  const { model: _, ...rest } = profile({ type: 'general', ...given })
  return { ...rest, id: `general/${rest.id}` }
}

/** What a machine with one MI300X asks. */
export const question = (given: Partial<Question> = {}): Question => ({
  model,
  engine: 'vllm',
  gpus: gpus('MI300X', 1),
  count: 'auto',
  allowGeneral: true,
  ...given,
})
