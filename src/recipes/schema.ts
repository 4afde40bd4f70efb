/** The recipe format: `recipes/ORG/MODEL.yaml`, one file per model. Objects are strict, so that a slip of the pen is an error. */

import { array, boolean, int, json, number, enum as oneOf, type output, record, strictObject, string, union, type ZodType } from 'zod'
import { metrics, precisions, profileTypes } from './profile.ts'

const bytesUnits: Readonly<Record<string, number>> = { KiB: 2 ** 10, MiB: 2 ** 20, GiB: 2 ** 30, TiB: 2 ** 40 }

/** `16 GiB`: an amount with its unit, as bytes. */
const bytes = string()
  .regex(/^\d+(?:\.\d+)? ?(?:KiB|MiB|GiB|TiB)$/, 'must be an amount such as 16 GiB')
  .transform((text) => Number.parseFloat(text) * (bytesUnits[text.slice(-3)] ?? 1))

const resources = strictObject({ memory: bytes.optional(), shm: bytes.optional(), cpus: number().positive().optional() })

/** What the plan decides itself, or must never see. */
const reserved: Readonly<Record<string, string>> = {
  model: 'the recipe names its model once, as `model`',
  'served-model-name': 'AIM_SERVED_MODEL_NAME decides it',
  host: 'AIM_HOST decides it',
  port: 'AIM_PORT decides it',
  'tensor-parallel-size': 'it follows from `count`',
  'api-key': 'a recipe holds no secret',
  'hf-token': 'a recipe holds no secret',
}

const argumentName = string()
  .regex(/^[a-z][a-z0-9]*(?:-[a-z0-9]+)*$/, 'must be a long flag of the engine without its dashes: max-model-len')
  .refine((name) => reserved[name] === undefined, { error: ({ input }) => `has no place in a recipe: ${reserved[String(input)]}` })

/** Variables are texts; YAML reads 1 and true as something else, and only the number is unambiguous. */
const variable = union([string(), int().transform(String)], { error: 'must be a text: put it in quotes' })
const engineVersion = string().regex(/^\d+\.\d+(?:\.\d+)?$/, 'must be a version in quotes such as "0.19.1"')
const variableName = string().regex(/^[A-Z][A-Z0-9_]*$/, 'must be the name of an environment variable')

const settings = { arguments: record(argumentName, json()).default({}), environment: record(variableName, variable).default({}) }

const repository = string().regex(/^[\w.-]+\/[\w.-]+$/, 'must be org/name')
const gpu = string().regex(/^[A-Za-z][A-Za-z0-9]*$/, 'must be a product (MI300X), an instruction set (gfx942) or CPU')
const gpuCount = int().min(0).max(64)

const profile = strictObject({
  engine: string()
    .regex(/^[a-z]+$/)
    .default('vllm'),
  gpu: union([gpu, array(gpu).min(1)]),
  count: union([gpuCount, array(gpuCount).min(1)]),
  precision: oneOf(precisions),
  metric: union([oneOf(metrics), array(oneOf(metrics)).min(1)]),
  type: oneOf(profileTypes),
  manualOnly: boolean().default(false),
  minimumEngine: engineVersion.optional(),
  ...settings,
  resources: resources.default({}),
})

const defaults = strictObject({ minimumEngine: engineVersion.optional(), ...settings, resources: resources.default({}) })

const ofPrecision = <T extends ZodType>(value: T) =>
  record(string(), value).refine((entries) => Object.keys(entries).every((name) => precisions.some((precision) => precision === name)), {
    error: `must be keyed by precision: ${precisions.join(', ')}`,
  })

/** A whole recipe. Without `model` it must say `general: true`: its profiles then serve any model. */
export const recipeSchema = strictObject({
  model: repository.optional(),
  general: boolean().default(false),
  license: string().optional(),
  gated: boolean().default(false),
  task: oneOf(['generate', 'embed', 'classify', 'score', 'transcribe']).default('generate'),
  sources: array(string().min(1)).min(1, 'must say where the numbers come from'),
  /** Repository of the weights, where they are not the model's own. */
  checkpoints: ofPrecision(repository).default({}),
  /** What the weight files take, so that what cannot fit is known before anything is asked of the hub. */
  weights: ofPrecision(bytes).default({}),
  defaults: defaults.default({ arguments: {}, environment: {}, resources: {} }),
  profiles: array(profile).min(1),
}).refine(({ model, general }) => (model === undefined) === general, {
  error: 'must name its model, or say general: true (not both)',
})

/** A recipe as its file has it, amounts read, nothing inherited yet. */
export type Recipe = output<typeof recipeSchema>

/** One entry under `profiles`, which stands for several profiles when gpu, count or metric is a list. */
export type RecipeProfile = Recipe['profiles'][number]
