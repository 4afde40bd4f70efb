import { exitCodes } from '../std/exit-codes.ts'
import { Failure } from '../std/failure.ts'
import type { HubKind } from './types.ts'

/** A model as users name it: on which kind of hub, or `directory`, and its name there. */
export type ModelName = { readonly kind: HubKind | 'directory'; readonly name: string }

/** What names a model: org/name, hf://org/name, modelscope://org/name, s3://bucket/prefix, a path, file:///path. */
export const modelNames = /^(?:(?:hf:\/\/|modelscope:\/\/)?[\w.][\w.-]*(?:\/[\w.-]+)?|s3:\/\/[\w.-]+(?:\/[^\0]*)?|(?:file:\/\/)?\/[^\0]+)$/

const pathOf = (address: string): string => {
  const url = URL.parse(address)
  if (url !== null && url.host === '' && !/%(?![0-9a-f]{2})|%2f|%00/i.test(url.pathname)) return decodeURIComponent(url.pathname)
  throw new Failure(`cannot use ${address} as a model: it is no address of a file here`, {
    exitCode: exitCodes.config,
    fix: 'give the absolute path itself',
  })
}

/** Reads a model's name. Throws a Failure (78) for a file:// address that is none. */
export const readModelName = (text: string): ModelName => {
  if (text.startsWith('file://')) return { kind: 'directory', name: pathOf(text) }
  if (text.startsWith('/')) return { kind: 'directory', name: text }
  if (text.startsWith('s3://')) return { kind: 's3', name: text.replace(/\/+$/, '') }
  if (text.startsWith('modelscope://')) return { kind: 'modelscope', name: text.slice('modelscope://'.length) }
  return { kind: 'huggingface', name: text.replace(/^hf:\/\//, '') }
}

/** The name under which the cache keeps it: the same id on two hubs may be two models. */
export const cacheName = ({ kind, name }: ModelName): string => (kind === 'modelscope' ? `modelscope://${name}` : name)
