import { exitCodes } from '../std/exit-codes.ts'
import { Failure } from '../std/failure.ts'
import { askInsisting } from './ask.ts'
import { commitOf } from './digest.ts'
import type { Get } from './http.ts'
import { inParallel } from './in-parallel.ts'
import { isCommit, isRelativePath } from './paths.ts'
import { type HeaderFields, headerOf, standardTransfer } from './retry.ts'
import { type Access, configuredStore, openAccess, type SignedRequest } from './s3-access.ts'
import { bucketAddress, listAddress, objectAddress, type Place, placeOf, regionQuestion, regionTold } from './s3-address.ts'
import { describeObject, isMultipart, type Listed, parseListing } from './s3-listing.ts'
import { notAHub } from './tree.ts'
import type { Hub, Listing, RepoFile, Source } from './types.ts'

/** A bucket that can be asked: its address, and who asks. */
type Bucket = { readonly url: string; readonly sign: (url: string, request?: SignedRequest) => Promise<string> }

type Ask = Omit<Get, 'url'>

/** Objects whose checksums are asked for at once. */
const headsAtOnce = 16

const refuse = (what: string, fix: string): Failure => new Failure(`cannot use ${what}`, { exitCode: exitCodes.config, fix })

/** Amazon's buckets are asked where they are: a signature names the region. */
const regionOf = async (asked: Ask, region: string, bucket: string): Promise<string> => {
  const answer = await askInsisting({ ...asked, method: 'HEAD', anyStatus: true }, () => regionQuestion(region, bucket))
  return regionTold(answer.headers) ?? region
}

const openBucket = async ({ endpoint }: Hub, { bucket }: Place, access: Access, ask: Ask): Promise<Bucket> => {
  const configured = await configuredStore()
  const store = endpoint === '' ? configured : { ...configured, endpoint }
  const region = store.endpoint === undefined ? await regionOf(ask, store.region, bucket) : store.region
  return { url: bucketAddress({ ...store, region }, bucket), sign: (url, request) => access.sign(url, region, request) }
}

const listObjects = async (bucket: Bucket, place: Place, ask: Ask): Promise<readonly Listed[]> => {
  const objects: Listed[] = []
  for (let next: string | undefined, first = true; first || next !== undefined; first = false) {
    const url = listAddress(bucket.url, place, next)
    const { body } = await askInsisting(ask, () => bucket.sign(url))
    const page = parseListing(body.toString())
    if (page === undefined) throw notAHub(ask.asked.hub, 'it is no listing of a bucket')
    objects.push(...page.objects)
    next = page.next
  }
  return objects
}

const head = async (bucket: Bucket, url: string, ask: Ask, entity?: string): Promise<HeaderFields> => {
  const headers = { 'x-amz-checksum-mode': 'ENABLED' }
  const match = entity === undefined ? {} : { 'if-match': `"${entity}"` }
  const sign = (): Promise<string> => bucket.sign(url, { method: 'HEAD', headers })
  return (await askInsisting({ ...ask, method: 'HEAD', headers: { ...headers, ...match } }, sign)).headers
}

const describe = async (bucket: Bucket, path: string, object: Listed, ask: Ask): Promise<RepoFile> => {
  const about = { ...ask, asked: { ...ask.asked, path } }
  const url = objectAddress(bucket.url, object.key)
  const headers = await head(bucket, url, about, object.entity)
  if (!isMultipart(object.entity)) return describeObject(path, object, headers, undefined)
  // Without a condition: some stores hold it against the tag of the part.
  const first = await head(bucket, `${url}?partNumber=1`, about)
  return describeObject(path, object, headers, Number(headerOf(first, 'content-length')) || undefined)
}

const describeAll = async (
  bucket: Bucket,
  objects: readonly (Listed & { readonly path: string })[],
  ask: Ask,
): Promise<readonly RepoFile[]> => {
  const files: RepoFile[] = []
  await inParallel(objects, headsAtOnce, ask.signal, async (object, signal) => {
    files.push(await describe(bucket, object.path, object, { ...ask, signal }))
  })
  return files.toSorted((a, b) => (a.path < b.path ? -1 : 1))
}

const below = ({ prefix }: Place, objects: readonly Listed[], repo: string): readonly (Listed & { readonly path: string })[] => {
  const named = objects.map((object) => ({ ...object, path: prefix === '' ? object.key : object.key.slice(prefix.length + 1) }))
  const wrong = named.find(({ path, bytes }) => !isRelativePath(path) || !Number.isSafeInteger(bytes))
  if (wrong !== undefined)
    throw refuse(`'${repo}': it holds ${JSON.stringify(wrong.key)}, which is no name for a file`, 'keep models below a prefix of their own')
  if (named.length > 0) return named
  throw refuse(`'${repo}': there is nothing below that prefix`, 'check the bucket and the prefix: config.json has to lie right below it')
}

/** The commit that was asked for must be what is there now: a bucket keeps no other under the same names. */
const refOf = (repo: string, revision: string, commit: string): { readonly ref?: string } => {
  if (revision === commit) return {}
  if (isCommit(revision))
    throw refuse(`'${repo}' at ${revision}: what is below the prefix now is ${commit}`, 'put the old objects back, or unset AIM_REVISION')
  if (revision === 'main') return { ref: revision }
  throw refuse(`'${repo}' at '${revision}': a bucket has no revisions`, 'unset AIM_REVISION, and give each version a prefix of its own')
}

/** A bucket of S3 or of a store that speaks its protocol: every request is an address that was signed for it. */
export const objectStore = (hub: Hub): Source => {
  const buckets = new Map<string, Promise<Bucket>>()
  let access: Promise<Access> | undefined
  const open = (place: Place, ask: Ask): Promise<Bucket> => {
    access ??= openAccess()
    const bucket = buckets.get(place.bucket) ?? access.then((who) => openBucket(hub, place, who, ask))
    buckets.set(place.bucket, bucket)
    // What failed is tried anew by who asks next.
    bucket.catch(() => buckets.delete(place.bucket))
    return bucket
  }
  return {
    list: async (repo, revision, signal, transfer): Promise<Listing> => {
      const place = placeOf(repo)
      const ask = { asked: { hub, repo, revision }, signal, transfer }
      const bucket = await open(place, ask)
      const objects = below(place, await listObjects(bucket, place, ask), repo)
      const commit = commitOf(objects, ({ entity }) => entity)
      const ref = refOf(repo, revision, commit)
      return { repo, commit, files: await describeAll(bucket, objects, ask), ...ref }
    },
    address: async ({ repo }, { path, entity }) => {
      const place = placeOf(repo)
      const bucket = await open(place, { asked: { hub, repo }, signal: undefined, transfer: standardTransfer })
      const key = place.prefix === '' ? path : `${place.prefix}/${path}`
      return { url: await bucket.sign(objectAddress(bucket.url, key)), headers: { 'if-match': `"${entity ?? ''}"` } }
    },
  }
}
