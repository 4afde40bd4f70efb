import type { Hub, HubKind, Source } from './types.ts'

/** One import each: a process that pulls by one protocol loads none of the others. */
const sources: { readonly [K in HubKind]: (hub: Hub) => Promise<Source> } = {
  huggingface: async (hub) => (await import('./hub.ts')).huggingFace(hub),
  modelscope: async (hub) => (await import('./modelscope.ts')).modelScope(hub),
  s3: async (hub) => (await import('./s3.ts')).objectStore(hub),
}

const made = new WeakMap<Hub, Promise<Source>>()

/** The source of a hub; the same for the same object, so that credentials are looked for once. */
export const sourceOf = (hub: Hub): Promise<Source> => {
  const before = made.get(hub)
  if (before !== undefined) return before
  const source = sources[hub.kind ?? 'huggingface'](hub)
  made.set(hub, source)
  return source
}
