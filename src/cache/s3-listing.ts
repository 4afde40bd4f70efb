import { nameOf } from './digest.ts'
import { type HeaderFields, headerOf } from './retry.ts'
import type { RepoFile } from './types.ts'
import { elementOf, elementsOf } from './xml.ts'

/** An object as a listing tells it; `entity` is its tag without quotes. */
export type Listed = { readonly key: string; readonly bytes: number; readonly entity: string }

/** A page of ListObjectsV2, and how to ask for the next; undefined for what is none. Directories that consoles make, empty objects that end in a slash, are left out. */
export const parseListing = (xml: string): { readonly objects: readonly Listed[]; readonly next?: string } | undefined => {
  const result = elementsOf(xml.replace(/<ListBucketResult[^>]*>/, '<ListBucketResult>'), 'ListBucketResult')[0]
  if (result === undefined) return undefined
  const encoded = elementOf(result, 'EncodingType') === 'url'
  const read = (text: string): string => (encoded ? decodeURIComponent(text.replaceAll('+', ' ')) : text)
  const objects = elementsOf(result, 'Contents').map((entry) => ({
    key: read(elementOf(entry, 'Key') ?? ''),
    bytes: Number(elementOf(entry, 'Size')),
    entity: (elementOf(entry, 'ETag') ?? '').replaceAll('"', ''),
  }))
  const next = elementOf(result, 'IsTruncated') === 'true' ? elementOf(result, 'NextContinuationToken') : undefined
  return { objects: objects.filter(({ key }) => !key.endsWith('/')), ...(next !== undefined && { next }) }
}

/** Whether an entity tag is one of an object that came in parts: not the MD5 of its bytes, but of those of its parts. */
export const isMultipart = (entity: string): boolean => /^[0-9a-f]{32}-\d+$/.test(entity)

/** SHA-256 of the whole object, where the store was given it at the upload; composite ones end in a number of parts. */
const sha256Of = (headers: HeaderFields): string | undefined => {
  const told = Buffer.from(headerOf(headers, 'x-amz-checksum-sha256') ?? '', 'base64')
  return told.length === 32 && headerOf(headers, 'x-amz-checksum-type') !== 'COMPOSITE' ? told.toString('hex') : undefined
}

/**
 * An object as a file with the best checksum that the store has of it. `headers` are those of its HEAD, `partBytes` the size of its first
 * part where it came in several. An entity tag is no MD5 where the store encrypts with keys of a KMS or of the
 * customer.
 */
export const describeObject = (
  path: string,
  { key, bytes, entity }: Listed,
  headers: HeaderFields,
  partBytes: number | undefined,
): RepoFile => {
  const sha256 = sha256Of(headers)
  if (sha256 !== undefined) return { path, bytes, entity, etag: sha256, algorithm: 'sha256' }
  const encryption = headerOf(headers, 'x-amz-server-side-encryption') ?? ''
  const hidden = encryption.startsWith('aws:') || headerOf(headers, 'x-amz-server-side-encryption-customer-algorithm') !== undefined
  const whole = partBytes === undefined && /^[0-9a-f]{32}$/.test(entity)
  const inParts = partBytes !== undefined && isMultipart(entity) && Math.ceil(bytes / partBytes) === Number(entity.split('-')[1])
  if (hidden || !(whole || inParts)) return { path, bytes, entity, etag: nameOf('s3', key, bytes, entity), algorithm: 'none' }
  const sum = { algorithm: 'md5', sum: entity, ...(inParts && { partBytes }) } as const
  return { path, bytes, entity, etag: nameOf('md5', entity, bytes), ...sum }
}
