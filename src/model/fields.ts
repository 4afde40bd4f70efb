import { isRecord } from '../std/json.ts'

/** A JSON object of a config.json, whose values nobody has checked. */
export type Fields = Readonly<Record<string, unknown>>

/** A whole number above zero, else undefined: config.json writes null, 0 and strings where a value is missing. */
export const count = (fields: Fields, ...names: readonly string[]): number | undefined => {
  for (const name of names) {
    const value = fields[name]
    if (typeof value === 'number' && Number.isSafeInteger(value) && value > 0) return value
  }
  return undefined
}

/** A text that is not empty, else undefined. */
export const text = (fields: Fields, ...names: readonly string[]): string | undefined => {
  for (const name of names) {
    const value = fields[name]
    if (typeof value === 'string' && value !== '') return value
  }
  return undefined
}

/** The first of the names that holds true or false, else undefined. */
export const flags = (fields: Fields, ...names: readonly string[]): boolean | undefined =>
  names.map((name) => fields[name]).find((value) => typeof value === 'boolean')

/** A JSON object, else undefined. */
export const object = (fields: Fields, name: string): Fields | undefined => {
  const value = fields[name]
  return isRecord(value) ? value : undefined
}

/** The texts of a list; empty when there is no list. */
export const texts = (fields: Fields, name: string): readonly string[] => {
  const value = fields[name]
  return Array.isArray(value) ? value.filter((item) => typeof item === 'string') : []
}

/** Where multimodal configurations keep the language model's part (transformers `get_text_config`; vLLM reads the same names). */
const nestings = ['text_config', 'llm_config', 'language_config'] as const

/** The language model's fields: the nested part over the top level, because families differ in where they put each field. */
export const languageFields = (config: Fields): Fields => {
  const outer = object(config, 'thinker_config') ?? config
  const inner = nestings.map((name) => object(outer, name)).find((part) => part !== undefined)
  return inner === undefined ? outer : { ...outer, ...inner }
}
