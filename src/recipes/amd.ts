/**
 * AMD's profile files (aim-build 0.9), which load as they are: one YAML a profile, at custom/ORG/MODEL/NAME.yaml, ORG/MODEL/NAME.yaml or
 * general/NAME.yaml.
 */
import { boolean, int, json, looseObject, enum as oneOf, type output, record, string } from 'zod'
import { isRecord, type Json } from '../std/json.ts'
import { type AmdTree, metrics, type Profile, precisions, profileTypes } from './profile.ts'

/** AMD's general_profile_schema.json; GPU names are any, because ours are more than its twenty. */
const general = looseObject({
  metadata: looseObject({
    engine: oneOf(['vllm']),
    gpu: string().regex(/^[A-Z][A-Z0-9]*$/, 'must be a GPU name as AMD writes them (MI300X), or NONE'),
    precision: oneOf(precisions),
    gpu_count: int().min(0).max(64),
    metric: oneOf(metrics),
    manual_selection_only: boolean(),
    type: oneOf(profileTypes),
  }),
  env_vars: record(string(), string('must be a text: put it in quotes')),
  engine_args: record(string(), json()),
})

const ofModel = general.extend({ aim_id: string().min(1), model_id: string().min(1) })

/** The schema of a file by its path: general profiles serve any model and name none. */
export const amdSchema = (path: string) => (treeOf(path) === 'general' || isGeneral(path) ? general : ofModel)

/** A file that was read and found valid. */
type Document = output<typeof general> & { readonly aim_id?: unknown; readonly model_id?: unknown }

/** Whether a parsed file means to be one of AMD's profiles, and not a recipe. */
export const isAmdDocument = (document: unknown): boolean => isRecord(document) && ('metadata' in document || 'engine_args' in document)

// AMD's runtime looks for the words in the whole path, and so do we.
const isGeneral = (path: string): boolean => path.includes('/general/')
const treeOf = (path: string): AmdTree => (path.includes('/custom/') ? 'custom' : isGeneral(path) ? 'general' : 'model')

/** A profile of a valid file: what was found valid, and the same as it was written; `root` is the place that the file was found under. */
export const amdProfile = (valid: Document, document: Json, path: string, root: string): Profile => {
  const { metadata, env_vars, engine_args, aim_id, model_id } = valid
  const { engine, precision, metric, type, gpu_count: gpuCount } = metadata
  const names = isGeneral(path) || typeof aim_id !== 'string' ? {} : { model: aim_id }
  return {
    ...names,
    ...{ engine, precision, metric, type, gpuCount, gpu: gpuCount === 0 ? 'CPU' : metadata.gpu },
    id: idOf(path, names.model),
    ...(names.model === undefined || model_id === aim_id || typeof model_id !== 'string' ? {} : { checkpoint: model_id }),
    manualOnly: metadata.manual_selection_only,
    arguments: Object.fromEntries(Object.entries(engine_args).flatMap(argumentOf)),
    environment: env_vars,
    resources: {},
    source: path,
    amd: { tree: treeOf(path), root, document },
  }
}

/** `NAME`, `general/NAME`, `custom/ORG/MODEL/NAME`, `custom/general/NAME`. */
const idOf = (path: string, model: string | undefined): string => {
  const name = (path.split('/').at(-1) ?? '').replace(/\.ya?ml$/, '')
  const shared = model === undefined ? `general/${name}` : treeOf(path) === 'custom' ? `${model}/${name}` : name
  return treeOf(path) === 'custom' ? `custom/${shared}` : shared
}

/** In AMD's files null is the bare flag, and `no-x` bare is the negation of x; a negation that is false says nothing. */
const argumentOf = ([written, value]: readonly [string, Json]): readonly (readonly [string, Json])[] => {
  const name = written.replace(/^-+/, '').replaceAll('_', '-')
  const bare = value === null ? true : value
  if (!name.startsWith('no-') || typeof bare !== 'boolean') return [[name, bare]]
  return bare ? [[name.slice(3), false]] : []
}
