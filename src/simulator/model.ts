import { isRecord } from '../std/json.ts'

/** What a model can be asked for. */
export type Task = 'generate' | 'embed' | 'classify'

/** What the simulator takes from a model's `config.json`. */
export type Model = {
  readonly architecture: string
  readonly task: Task
  /** Longest request in tokens, prompt and answer together. */
  readonly maxLength: number
  /** Numbers in one embedding. */
  readonly dimensions: number
}

/** The model, or the last lines of the traceback that refuses it. */
export type ModelReading = { readonly ok: true; readonly model: Model } | { readonly ok: false; readonly error: string }

/** What of the command line bears on the model. */
export type ModelWishes = { readonly maxModelLen: number | undefined; readonly pooling: boolean; readonly allowLongLength: boolean }

const refuse = (error: string): ModelReading => ({ ok: false, error })

const validation = (sentence: string): ModelReading =>
  refuse(`pydantic_core._pydantic_core.ValidationError: 1 validation error for ModelConfig\n  Value error, ${sentence} [type=value_error]`)

const parseConfig = (text: string): Record<string, unknown> | undefined => {
  try {
    const value: unknown = JSON.parse(text)
    return isRecord(value) ? value : undefined
  } catch {
    return undefined
  }
}

/** vLLM's own endings of class names: sequence classifiers score, bare encoders and decoders embed, the rest generates. */
export const taskOf = (architecture: string, pooling: boolean): Task => {
  if (/For(SequenceClassification|TokenClassification|RewardModel)$|RewardModel$/.test(architecture)) return 'classify'
  return pooling || /Model$|Embed|ForMaskedLM$/.test(architecture) ? 'embed' : 'generate'
}

const numberIn = (configs: readonly Record<string, unknown>[], names: readonly string[]): number | undefined =>
  configs.flatMap((config) => names.map((name) => config[name])).find((value) => typeof value === 'number')

/** Without a length in its config a model is taken for one of 2048 tokens, vLLM's own default. */
const defaultLength = 2048

/** Reads a model's `config.json`; `path` is for the sentences. Multimodal configs keep the numbers in `text_config`. */
export const readModel = (text: string, path: string, wishes: ModelWishes): ModelReading => {
  const config = parseConfig(text)
  if (config === undefined) return refuse(`OSError: It looks like the config file at '${path}/config.json' is not a valid JSON file.`)
  const architecture = Array.isArray(config.architectures) ? config.architectures[0] : undefined
  if (typeof architecture !== 'string') return validation('No model architectures are specified')
  const configs = [config, ...(isRecord(config.text_config) ? [config.text_config] : [])]
  const derived = numberIn(configs, ['max_position_embeddings', 'n_positions', 'max_sequence_length', 'model_max_length']) ?? defaultLength
  const wanted = wishes.maxModelLen ?? derived
  if (wanted > derived && !wishes.allowLongLength)
    return validation(
      `User-specified max_model_len (${wanted}) is greater than the derived max_model_len (max_position_embeddings=${derived}).`,
    )
  const dimensions = numberIn(configs, ['hidden_size', 'n_embd', 'd_model']) ?? 16
  return { ok: true, model: { architecture, task: taskOf(architecture, wishes.pooling), maxLength: wanted, dimensions } }
}

/** The refusal of a model that is not there: of an id the wording of an offline hub, of a path that of a bad directory. */
export const missingModel = (model: string): string =>
  /^[\w.-]+\/[\w.-]+$/.test(model)
    ? 'huggingface_hub.errors.LocalEntryNotFoundError: Cannot find an appropriate cached snapshot folder: the simulator never downloads, and outgoing traffic has been disabled.'
    : `ValueError: Invalid repository ID or local directory specified: '${model}'. It needs a config.json.`
