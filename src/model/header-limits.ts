import { isRecord } from '../std/json.ts'
import { languageFields, texts } from './fields.ts'
import { architectureOf } from './structure.ts'

/**
 * How much of the headers is worth reading for the model of a config.json: of a decoder that is understood, whose weights can be counted
 * within a percent without them, as much as takes no longer than a few files; of any other all, since nothing else tells.
 */
export const headerLimits = (config: unknown): { readonly shards: number; readonly bytes: number } => {
  const top = isRecord(config) ? config : {}
  const understood = architectureOf(texts(top, 'architectures')[0], top, languageFields(top)) !== undefined
  return understood ? { shards: 64, bytes: 2 * 2 ** 20 } : { shards: Number.POSITIVE_INFINITY, bytes: Number.POSITIVE_INFINITY }
}
