/** Which of a model's files an engine loads its tensors from. */

import { isRecord, parseJson } from '../std/json.ts'

/** The index that says which shard holds which tensor. */
export const indexName = 'model.safetensors.index.json'

/** Shards that were numbered together: all of them are loaded. */
const numbered = /-\d{5}-of-\d{5}\.safetensors$/

/**
 * The safetensors files at a model's root that an engine loads; Mistral's `consolidated*` are the same weights once more, unless nothing else
 * is there. `index` where only the index tells which of them are meant (vLLM `filter_duplicate_safetensors_files`).
 */
export const shardsAmong = (paths: readonly string[]): { readonly shards: readonly string[]; readonly index?: string } => {
  const root = paths.filter((path) => path.endsWith('.safetensors') && !path.includes('/'))
  const copies = root.filter((path) => !path.startsWith('consolidated'))
  const shards = copies.length > 0 ? copies : root
  const unclear = shards.length > 1 && !shards.every((path) => numbered.test(path)) && paths.includes(indexName)
  return { shards, ...(unclear ? { index: indexName } : {}) }
}

/** Those that an index names; all where it names none of them. */
export const shardsOfIndex = (shards: readonly string[], text: string): readonly string[] => {
  const index = parseJson(text)
  const named = new Set(Object.values(isRecord(index) && isRecord(index.weight_map) ? index.weight_map : {}))
  const kept = shards.filter((path) => named.has(path))
  return kept.length > 0 ? kept : shards
}

/** Headers that are read of a model at most: their number, and about how many bytes together. */
export type HeaderLimits = { readonly shards: number; readonly bytes: number }

/** Bytes of a header that is read: twice its even part, so that the first one tells whether the rest is worth it. */
export const longestOf = ({ bytes }: HeaderLimits, shards: number): number => (2 * bytes) / shards

/** The tensors of a model's files; `unread` says why they are not known where they were looked for in vain. Both absent: not worth the reading. */
export type Headers<Tensor> = { readonly tensors?: readonly Tensor[]; readonly unread?: string }
