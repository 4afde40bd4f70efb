import { exitCodes } from '../std/exit-codes.ts'
import { Failure } from '../std/failure.ts'
import { type HeaderFields, headerOf } from './retry.ts'

/** Bucket and prefix of a model; the prefix without slashes at its ends, empty for the whole bucket. */
export type Place = { readonly bucket: string; readonly prefix: string }

/** Reads `s3://bucket/prefix`. Throws a Failure (78) for a name that no bucket can have. */
export const placeOf = (repo: string): Place => {
  const [, bucket = '', prefix = ''] = /^s3:\/\/([^/]*)\/?(.*)$/s.exec(repo) ?? []
  // The rules of Amazon's documentation ("Bucket naming rules"), with the upper case and underscores that other stores allow.
  if (!/^\w[\w.-]{1,253}\w$/.test(bucket) || prefix.split('/').some((segment) => segment === '..' || segment === '.'))
    throw new Failure(`cannot use '${repo}' as a model: it is no s3://bucket/prefix`, {
      exitCode: exitCodes.config,
      fix: 'name the bucket and the prefix that config.json lies below',
    })
  return { bucket, prefix: prefix.replace(/\/+$/, '') }
}

/** Where a store is: its endpoint where one is configured, else Amazon's of the region. */
export type Store = { readonly endpoint?: string | undefined; readonly region: string }

const checkEndpoint = (endpoint: string): URL => {
  const url = URL.parse(endpoint)
  if (url !== null && /^https?:$/.test(url.protocol) && url.username === '' && url.password === '') return url
  throw new Failure('cannot ask the store: AWS_ENDPOINT_URL_S3 or AWS_ENDPOINT_URL is no http(s) address, or holds a password', {
    exitCode: exitCodes.config,
    fix: 'leave it out for Amazon, or give it as https://host[:port]',
  })
}

const suffixOf = (region: string): string => (region.startsWith('cn-') ? 'amazonaws.com.cn' : 'amazonaws.com')

/**
 * A bucket's address without a slash at its end. Path style at an endpoint of one's own, where a name per bucket is the exception, and for
 * names with dots, which no certificate covers; the bucket as the host's first label at Amazon, which wants it so.
 */
export const bucketAddress = ({ endpoint, region }: Store, bucket: string): string => {
  if (endpoint !== undefined) return `${checkEndpoint(endpoint).href.replace(/\/+$/, '')}/${bucket}`
  const host = `s3.${region}.${suffixOf(region)}`
  return bucket.includes('.') ? `https://${host}/${bucket}` : `https://${bucket}.${host}`
}

/** Where Amazon tells anybody a bucket's region, by a header of whatever it answers. */
export const regionQuestion = (region: string, bucket: string): string => `https://s3.${region}.${suffixOf(region)}/${bucket}`

/** The region of such an answer. */
export const regionTold = (headers: HeaderFields): string | undefined => headerOf(headers, 'x-amz-bucket-region')

const encode = (text: string): string =>
  encodeURIComponent(text).replace(/[!'()*]/g, (one) => `%${one.charCodeAt(0).toString(16).toUpperCase()}`)

/** An object's address. */
export const objectAddress = (bucket: string, key: string): string => `${bucket}/${key.split('/').map(encode).join('/')}`

/** A page of the list of what is below a prefix. */
export const listAddress = (bucket: string, { prefix }: Place, continuation: string | undefined): string => {
  const query = new URLSearchParams({
    'list-type': '2',
    'encoding-type': 'url',
    prefix: prefix === '' ? '' : `${prefix}/`,
    ...(continuation !== undefined && { 'continuation-token': continuation }),
  })
  return `${bucket}?${query}`
}
