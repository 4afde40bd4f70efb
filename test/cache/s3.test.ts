import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { test } from 'node:test'
import { commitOf, isRight, startDigest } from '../../src/cache/digest.ts'
import { explainAnswer } from '../../src/cache/errors.ts'
import type { HeaderFields } from '../../src/cache/retry.ts'
import { bucketAddress, listAddress, objectAddress, placeOf } from '../../src/cache/s3-address.ts'
import { getEndpointUrlConfig } from '../../src/cache/s3-endpoint.ts'
import { describeObject, parseListing } from '../../src/cache/s3-listing.ts'
import { exitCodes } from '../../src/std/exit-codes.ts'

const config = { exitCode: exitCodes.config }
const md5 = (bytes: string | Buffer): string => createHash('md5').update(bytes).digest('hex')

test('placeOf() reads bucket and prefix, and refuses what no bucket can be called', () => {
  assert.deepEqual(placeOf('s3://bucket'), { bucket: 'bucket', prefix: '' })
  assert.deepEqual(placeOf('s3://bucket/a/b//'), { bucket: 'bucket', prefix: 'a/b' })
  for (const repo of ['s3://', 's3://a', 's3:///x', 's3://-a-/x', 's3://bucket/../x', 's3://bucket/a/./b', `s3://${'b'.repeat(300)}`])
    assert.throws(() => placeOf(repo), config, repo)
})

test("bucketAddress() names the bucket in Amazon's host and in the path elsewhere", () => {
  const region = 'eu-west-1'
  assert.equal(bucketAddress({ region }, 'models'), 'https://models.s3.eu-west-1.amazonaws.com')
  assert.equal(bucketAddress({ region }, 'my.models'), 'https://s3.eu-west-1.amazonaws.com/my.models')
  assert.equal(bucketAddress({ region: 'cn-north-1' }, 'models'), 'https://models.s3.cn-north-1.amazonaws.com.cn')
  assert.equal(bucketAddress({ region, endpoint: 'http://minio:9000/' }, 'models'), 'http://minio:9000/models')
  assert.equal(bucketAddress({ region, endpoint: 'https://host/s3' }, 'models'), 'https://host/s3/models')
  for (const endpoint of ['minio:9000', 'ftp://minio', 'https://user:secret@minio'])
    assert.throws(
      () => bucketAddress({ region, endpoint }, 'models'),
      (error: Error) => !error.message.includes('secret'),
      endpoint,
    )
})

test('keys are encoded as S3 signs them', () => {
  assert.equal(objectAddress('http://h/b', "a b/c+d=e&f'g.json"), 'http://h/b/a%20b/c%2Bd%3De%26f%27g.json')
  const first = new URL(listAddress('http://h/b', { bucket: 'b', prefix: 'x/y' }, undefined))
  assert.equal(first.searchParams.get('prefix'), 'x/y/')
  assert.equal(first.searchParams.has('continuation-token'), false)
  assert.equal(new URL(listAddress('http://h/b', { bucket: 'b', prefix: '' }, 'a+/=')).searchParams.get('continuation-token'), 'a+/=')
})

test("the service's endpoint goes before the general one, and the environment before the file", () => {
  const { environmentVariableSelector: fromEnvironment, configFileSelector: fromFile } = getEndpointUrlConfig
  assert.equal(fromEnvironment({ AWS_ENDPOINT_URL: 'http://a', AWS_ENDPOINT_URL_S3: 'http://b' }), 'http://b')
  assert.equal(fromEnvironment({ AWS_ENDPOINT_URL: 'http://a', AWS_ENDPOINT_URL_S3: '' }), 'http://a')
  assert.equal(fromEnvironment({}), undefined)
  assert.equal(fromFile({ endpoint_url: 'http://c' }), 'http://c')
  assert.equal(fromFile({ services: 'own', endpoint_url: 'http://c' }, { 'services.own': { 's3.endpoint_url': 'http://d' } }), 'http://d')
  assert.equal(fromFile({ services: 'own' }, {}), undefined)
})

const page = (inside: string, encoding = '<EncodingType>url</EncodingType>'): string =>
  `<?xml version="1.0"?>\n<ListBucketResult xmlns="http://s3.amazonaws.com/doc/2006-03-01/">${encoding}${inside}</ListBucketResult>`
const entry = (key: string, size = 1, etag = '&quot;ab&quot;'): string =>
  `<Contents><Key>${key}</Key><ETag>${etag}</ETag><Size>${size}</Size></Contents>`

test('parseListing() reads keys in both encodings, leaves directories out and says how to go on', () => {
  assert.deepEqual(parseListing(page(`${entry('a%20b%2Fc+d')}${entry('dir/', 0)}`)), {
    objects: [{ key: 'a b/c d', bytes: 1, entity: 'ab' }],
  })
  assert.equal(parseListing(page(entry('a&amp;b&#38;&#x26;+%20'), ''))?.objects[0]?.key, 'a&b&&+%20')
  const more = page(`<IsTruncated>true</IsTruncated><NextContinuationToken>x&amp;y=</NextContinuationToken>${entry('a')}`)
  assert.equal(parseListing(more)?.next, 'x&y=')
  assert.equal(parseListing(page('<IsTruncated>false</IsTruncated>'))?.next, undefined)
  assert.equal(parseListing('<html>login</html>'), undefined)
})

const sha256 = createHash('sha256').update('x').digest()
const entity = md5('x')
const sums: readonly {
  readonly name: string
  readonly headers: HeaderFields
  readonly entity?: string
  readonly partBytes?: number
  readonly is: object
}[] = [
  { name: 'an MD5', headers: {}, is: { algorithm: 'md5', sum: entity } },
  { name: 'an MD5 under S3-managed keys', headers: { 'x-amz-server-side-encryption': 'AES256' }, is: { algorithm: 'md5', sum: entity } },
  {
    name: 'SHA-256',
    headers: { 'x-amz-checksum-sha256': sha256.toString('base64') },
    is: { algorithm: 'sha256', etag: sha256.toString('hex') },
  },
  {
    name: 'SHA-256 of parts',
    headers: { 'x-amz-checksum-sha256': sha256.toString('base64'), 'x-amz-checksum-type': 'COMPOSITE' },
    is: { algorithm: 'md5' },
  },
  { name: 'keys of a KMS', headers: { 'x-amz-server-side-encryption': 'aws:kms' }, is: { algorithm: 'none' } },
  { name: "the customer's key", headers: { 'x-amz-server-side-encryption-customer-algorithm': 'AES256' }, is: { algorithm: 'none' } },
  { name: 'a tag of another kind', headers: {}, entity: 'W/1', is: { algorithm: 'none' } },
  { name: 'parts', headers: {}, entity: `${entity}-3`, partBytes: 4, is: { algorithm: 'md5', sum: `${entity}-3`, partBytes: 4 } },
  { name: 'parts of odd sizes', headers: {}, entity: `${entity}-3`, partBytes: 2, is: { algorithm: 'none' } },
  { name: 'parts whose size nobody tells', headers: {}, entity: `${entity}-3`, is: { algorithm: 'none' } },
]

test('describeObject() takes the best checksum that the store has, and none that is no checksum', () => {
  for (const { name, headers, entity: tag = entity, partBytes, is } of sums) {
    const file = describeObject('a.json', { key: 'p/a.json', bytes: 10, entity: tag }, headers, partBytes)
    for (const [key, value] of Object.entries(is)) assert.equal(file[key as keyof typeof file], value, `${name}: ${key}`)
    assert.match(file.etag, /^[0-9a-f]{64}$/)
    assert.equal(file.entity, tag)
  }
})

test('a digest of parts is the MD5 of their MD5s, however the bytes come', () => {
  const bytes = Buffer.from('abcdefghij')
  const whole = createHash('md5')
  for (const part of ['abcd', 'efgh', 'ij']) whole.update(createHash('md5').update(part).digest())
  const sum = `${whole.digest('hex')}-3`
  for (const step of [1, 3, 4, 7, 10]) {
    const digest = startDigest({ algorithm: 'md5', bytes: bytes.length, partBytes: 4 })
    for (let at = 0; at < bytes.length; at += step) digest.update(bytes.subarray(at, at + step))
    const hex = digest.digest('hex')
    assert.equal(hex, sum, `steps of ${step}`)
    assert.ok(isRight({ algorithm: 'md5', sum, etag: '' }, hex))
  }
  assert.equal(startDigest({ algorithm: 'md5', bytes: 4, partBytes: 2 }).update(bytes.subarray(0, 4)).digest('hex').slice(-2), '-2')
  assert.ok(!isRight({ algorithm: 'md5', sum, etag: '' }, entity))
  assert.ok(isRight({ algorithm: 'none', etag: 'x' }, entity))
})

test('a commit is the same for the same objects in any order, and another when one is', () => {
  const files = [
    { path: 'a', bytes: 1, tag: 'x' },
    { path: 'b', bytes: 2, tag: 'y' },
  ]
  const commit = commitOf(files, ({ tag }) => tag)
  assert.match(commit, /^[0-9a-f]{40}$/)
  assert.equal(
    commitOf(files.toReversed(), ({ tag }) => tag),
    commit,
  )
  for (const other of [
    { path: 'c', bytes: 2, tag: 'y' },
    { path: 'b', bytes: 3, tag: 'y' },
    { path: 'b', bytes: 2, tag: 'z' },
  ])
    assert.notEqual(
      commitOf([files[0], other] as typeof files, ({ tag }) => tag),
      commit,
    )
})

const signed = new URL('https://models.s3.amazonaws.com/x?X-Amz-Signature=5ea1ed&X-Amz-Credential=AKIA')
const error = (code: string, message = '', more = ''): string => `<Error><Code>${code}</Code><Message>${message}</Message>${more}</Error>`
const answers = [
  { status: 404, body: error('NoSuchBucket'), exitCode: exitCodes.config, says: /no such bucket/, fix: /AWS_ENDPOINT_URL_S3/ },
  { status: 412, body: '', exitCode: exitCodes.temporary, says: /was changed after it was listed/, fix: /listed anew/ },
  { status: 403, body: error('RequestTimeTooSkewed'), exitCode: exitCodes.config, says: /clock/, fix: /set the clock/ },
  {
    status: 400,
    body: error('AuthorizationHeaderMalformed', '', '<Region>eu-west-1</Region>'),
    exitCode: exitCodes.config,
    says: /another region/,
    fix: /AWS_REGION=eu-west-1/,
  },
  {
    status: 301,
    body: '',
    headers: { 'x-amz-bucket-region': 'ap-south-1' },
    exitCode: exitCodes.config,
    says: /another region/,
    fix: /=ap-south-1/,
  },
  { status: 400, body: error('ExpiredToken'), exitCode: exitCodes.permission, transient: true, says: /have expired/, fix: /get new ones/ },
  {
    status: 403,
    body: error('AccessDenied', 'Request has expired'),
    exitCode: exitCodes.permission,
    transient: true,
    says: /have expired/,
    fix: /get new/,
  },
  {
    status: 403,
    body: error('InvalidAccessKeyId'),
    exitCode: exitCodes.permission,
    says: /does not know the access key/,
    fix: /AWS_ACCESS_KEY_ID/,
  },
  {
    status: 403,
    body: error('SignatureDoesNotMatch'),
    exitCode: exitCodes.permission,
    says: /secret key is not/,
    fix: /AWS_SECRET_ACCESS_KEY/,
  },
  { status: 403, body: error('InvalidObjectState'), exitCode: exitCodes.config, says: /archived/, fix: /restore it/ },
  {
    status: 403,
    body: error('AccessDenied', 'Access Denied'),
    exitCode: exitCodes.permission,
    says: /do not permit it .*"Access Denied"/,
    fix: /s3:GetObject/,
  },
  {
    status: 403,
    body: '',
    url: new URL('https://models.s3.amazonaws.com/x'),
    exitCode: exitCodes.permission,
    says: /no AWS credentials were found/,
    fix: /IRSA/,
  },
  { status: 503, body: error('SlowDown'), exitCode: exitCodes.temporary, transient: true, says: /fewer requests/, fix: /try again/ },
  { status: 404, body: error('NoSuchKey'), exitCode: exitCodes.temporary, says: /not there/, fix: /prefix/ },
  { status: 418, body: '', exitCode: exitCodes.temporary, says: /not expected/, fix: /AWS_ENDPOINT_URL_S3/ },
]

test('what S3 answers is said in words, with the code, without the signature', () => {
  for (const { status, body, headers = {}, url = signed, exitCode, transient = false, says, fix } of answers) {
    const asked = { hub: { kind: 's3', endpoint: '' }, repo: 's3://models/x' } as const
    const trouble = explainAnswer({ status, body, headers, url }, asked)
    assert.match(trouble.failure.message, says)
    assert.match(trouble.failure.fix ?? '', fix)
    assert.equal(trouble.failure.exitCode, exitCode, String(says))
    assert.equal(trouble.transient, transient, String(says))
    assert.doesNotMatch(`${trouble.failure.message} ${trouble.failure.fix}`, /5ea1ed|AKIA/)
  }
})
