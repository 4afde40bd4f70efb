import type { Profile } from '../../recipes/profile.ts'
import { isRecord, type Json } from '../../std/json.ts'

/** A profile as a file of AMD's, and the name of that file. */
export type AmdDocument = { readonly filename: string; readonly document: Json }

/**
 * What AMD's tools read of a profile: the file itself where it was one of theirs, else the same shape made from ours. `product` is the GPU it
 * runs on, for recipes that name an instruction set; variables are texts, because the operator's parser takes nothing else.
 */
export const documentOf = (profile: Profile, product?: string): AmdDocument => ({
  filename: filenameOf(profile),
  document: profile.amd === undefined ? made(profile, product) : withTexts(profile.amd.document),
})

const filenameOf = ({ id, amd, source }: Profile): string =>
  amd === undefined ? `${id.split('/').at(-1)}.yaml` : (source.split('/').at(-1) ?? source)

const made = (profile: Profile, product: string | undefined): Json => {
  const { model, checkpoint, engine, gpu, gpuCount, manualOnly, metric, precision, type } = profile
  return {
    ...(model === undefined ? {} : { aim_id: model, model_id: checkpoint ?? model }),
    metadata: {
      engine,
      gpu: gpuCount === 0 ? 'NONE' : /^gfx/.test(gpu) ? (product ?? gpu) : gpu,
      gpu_count: gpuCount,
      manual_selection_only: manualOnly,
      metric,
      precision,
      type,
    },
    engine_args: { ...profile.arguments, ...(gpuCount === 0 ? {} : { 'tensor-parallel-size': gpuCount, ...profile.arguments }) },
    env_vars: { ...profile.environment },
  }
}

const withTexts = (document: Json): Json => {
  if (!isRecord(document) || !isRecord(document.env_vars)) return document
  const texts = Object.fromEntries(Object.entries(document.env_vars).map(([name, value]) => [name, String(value)]))
  return { ...document, env_vars: texts } as Json
}
