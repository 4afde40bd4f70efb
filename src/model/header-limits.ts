import { isRecord } from '../std/json.ts'
import { languageFields, texts } from './fields.ts'
import { architectureOf } from './structure.ts'

/** Where the headers are: in files here, read while an engine waits to be started, or on a hub, read before all that must be pulled first. */
export type HeaderPlace = 'here' | 'hub'

/** Bytes that are read and parsed in a few milliseconds; and what a large mixture of experts names. */
const worthReading: Readonly<Record<HeaderPlace, number>> = { here: 256 * 1024, hub: 4 * 2 ** 20 }

/**
 * How much of the headers is worth reading for the model of a config.json: of a decoder that is understood, whose weights can be counted
 * within a percent without them, as much as takes hardly any time; of any other all, since nothing else tells.
 */
export const headerLimits = (config: unknown, place: HeaderPlace): { readonly shards: number; readonly bytes: number } => {
  const top = isRecord(config) ? config : {}
  const understood = architectureOf(texts(top, 'architectures')[0], top, languageFields(top)) !== undefined
  return understood ? { shards: 64, bytes: worthReading[place] } : { shards: Number.POSITIVE_INFINITY, bytes: Number.POSITIVE_INFINITY }
}
