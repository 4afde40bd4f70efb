/** `aim cache` against real stores: one that checks every signature, and one with an STS; credentials by every way that AWS's programs know. */
import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { request as ask, createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, type TestContext, test } from 'node:test'
import { AwsClient } from 'aws4fetch'
import { execa } from 'execa'
import { exitCodes } from '../../src/std/exit-codes.ts'
import { gatewayKeys, type Store, startGateway, startMoto } from '../engines/stores.ts'
import { scratch } from './setup.ts'

const main = join(import.meta.dirname, '../../src/main.ts')
const config = '{"architectures":["LlamaForCausalLM"]}'
const large = randomBytes(12 * 1024 ** 2)
const partBytes = 5 * 1024 ** 2

let directory: string
let gateway: Store
let moto: Store

before(async () => {
  directory = await mkdtemp(join(tmpdir(), 'aim-s3-'))
  gateway = await startGateway(join(directory, 'gateway'))
  moto = await startMoto()
  for (const { endpoint } of [gateway, moto]) await fill(endpoint)
})

after(async () => {
  await gateway.stop()
  await moto.stop()
  await rm(directory, { recursive: true, force: true })
})

const client = new AwsClient({ ...gatewayKeys, service: 's3', region: 'us-east-1' })

const send = async (url: string, method: string, body: Buffer | string = '', headers: Record<string, string> = {}): Promise<Response> => {
  const response = await client.fetch(url, { method, body: typeof body === 'string' ? body : new Uint8Array(body), headers })
  assert.ok(response.ok, `${method} ${url}: ${response.status} ${response.ok ? '' : await response.text()}`)
  return response
}

const sendInParts = async (url: string): Promise<void> => {
  const id = /<UploadId>(.*)<\/UploadId>/.exec(await (await send(`${url}?uploads=`, 'POST')).text())?.[1]
  const parts: string[] = []
  for (let at = 0; at < large.length; at += partBytes) {
    const number = parts.length + 1
    const { headers } = await send(`${url}?partNumber=${number}&uploadId=${id}`, 'PUT', large.subarray(at, at + partBytes))
    parts.push(`<Part><PartNumber>${number}</PartNumber><ETag>${headers.get('etag')}</ETag></Part>`)
  }
  await send(`${url}?uploadId=${id}`, 'POST', `<CompleteMultipartUpload>${parts.join('')}</CompleteMultipartUpload>`)
}

/** A model whose weights came whole and in parts, with a name that has to be encoded. */
const fill = async (endpoint: string): Promise<void> => {
  await send(`${endpoint}/models`, 'PUT')
  await send(`${endpoint}/models/qwen/tiny/config.json`, 'PUT', config)
  await send(`${endpoint}/models/qwen/tiny/sub%20dir/a%2Bb%3Dc%26d.json`, 'PUT', '{}')
  await send(`${endpoint}/models/qwen/tiny/model-00001-of-00002.safetensors`, 'PUT', large)
  await sendInParts(`${endpoint}/models/qwen/tiny/model-00002-of-00002.safetensors`)
}

type Ended = { readonly exitCode: number | undefined; readonly stdout: string; readonly stderr: string }

const aim = async (words: readonly string[], cache: string, env: Record<string, string>): Promise<Ended> => {
  const own = { PATH: process.env.PATH ?? '', HOME: cache, AIM_CACHE_PATH: cache, AWS_EC2_METADATA_DISABLED: 'true', ...env }
  const { exitCode, stdout, stderr } = await execa(process.execPath, [main, ...words], { env: own, extendEnv: false, reject: false })
  return { exitCode, stdout, stderr }
}

const keys = { AWS_ACCESS_KEY_ID: gatewayKeys.accessKeyId, AWS_SECRET_ACCESS_KEY: gatewayKeys.secretAccessKey }
const model = 's3://models/qwen/tiny'

/** Asserts that a pull prints a path below which every byte is right. */
const isWhole = async ({ exitCode, stdout, stderr }: Ended): Promise<string> => {
  assert.equal(exitCode, 0, stderr)
  const path = stdout.trim()
  assert.equal(await readFile(join(path, 'config.json'), 'utf8'), config)
  assert.equal(await readFile(join(path, 'sub dir/a+b=c&d.json'), 'utf8'), '{}')
  for (const name of ['model-00001-of-00002.safetensors', 'model-00002-of-00002.safetensors'])
    assert.ok((await readFile(join(path, name))).equals(large), name)
  return path
}

test('a store that checks signatures is pulled from, and the cache tools treat the model as any other', async (t) => {
  const cache = await scratch(t)
  const env = { ...keys, AWS_ENDPOINT_URL_S3: gateway.endpoint }
  const path = await isWhole(await aim(['cache', 'pull', model], cache, env))
  // Whole, so nobody is asked: there is no store at this address, and there are no keys.
  const away = { AWS_ENDPOINT_URL_S3: 'http://127.0.0.1:1' }
  for (const words of [
    ['cache', 'pull', `${model}/`],
    ['cache', 'path', model],
  ])
    assert.equal((await aim(words, cache, away)).stdout.trim(), path)
  const [held] = JSON.parse((await aim(['cache', 'ls', model, '--format', 'json'], cache, away)).stdout).models
  assert.equal(held.repo, model)
  assert.deepEqual(held.revisions[0].missing, [])
  const right = await aim(['cache', 'verify', '--deep'], cache, away)
  assert.equal(right.exitCode, 0, right.stdout)
  const stream = join(cache, 'model.tar')
  assert.equal((await aim(['cache', 'export', model, '--output', stream], cache, away)).exitCode, 0)
  const other = await scratch(t)
  assert.equal((await aim(['cache', 'import', stream], other, away)).exitCode, 0)
  await isWhole(await aim(['cache', 'path', model], other, away))
})

test('a blob that was damaged is found by the checksum of its parts, and fetched again', async (t) => {
  const cache = await scratch(t)
  const env = { ...keys, AWS_ENDPOINT_URL: gateway.endpoint }
  const path = await isWhole(await aim(['cache', 'pull', model], cache, env))
  const damaged = Buffer.from(large)
  damaged[partBytes + 7] = (damaged[partBytes + 7] ?? 0) ^ 1
  await writeFile(join(path, 'model-00002-of-00002.safetensors'), damaged)
  const found = await aim(['cache', 'verify', '--deep'], cache, env)
  assert.equal(found.exitCode, exitCodes.storage)
  assert.match(found.stdout, /wrong bytes in/)
  assert.equal((await aim(['cache', 'verify', '--deep', '--repair'], cache, env)).exitCode, 0)
  await isWhole(await aim(['cache', 'path', model], cache, env))
})

test('what a store refuses is told in a sentence, with the fix and the code, and leaves nothing', async (t) => {
  const cases: readonly { env: Record<string, string>; model?: string; revision?: string; exitCode: number; says: RegExp }[] = [
    {
      env: { ...keys, AWS_SECRET_ACCESS_KEY: 'wrong' },
      exitCode: exitCodes.permission,
      says: /the secret key is not the one of the access key/,
    },
    { env: {}, exitCode: exitCodes.permission, says: /no AWS credentials were found.*\n.*IRSA/ },
    { env: keys, model: 's3://nowhere/x', exitCode: exitCodes.config, says: /there is no such bucket there/ },
    { env: keys, model: 's3://models/qwen/tin', exitCode: exitCodes.config, says: /there is nothing below that prefix/ },
    { env: keys, revision: 'v1', exitCode: exitCodes.config, says: /a bucket has no revisions/ },
    { env: keys, revision: 'a'.repeat(40), exitCode: exitCodes.config, says: /what is below the prefix now is [0-9a-f]{40}/ },
    { env: { ...keys, AWS_ENDPOINT_URL_S3: 'gateway:9000' }, exitCode: exitCodes.config, says: /is no http\(s\) address/ },
    { env: { AWS_PROFILE: 'nobody' }, exitCode: exitCodes.permission, says: /no AWS credentials were found|cannot get AWS credentials/ },
    {
      env: { AWS_ROLE_ARN: 'arn:aws:iam::123456789012:role/x', AWS_WEB_IDENTITY_TOKEN_FILE: '/nowhere/token', AWS_REGION: 'us-east-1' },
      exitCode: exitCodes.permission,
      says: /cannot get AWS credentials: .*\/nowhere\/token/,
    },
  ]
  for (const { env, model: name = model, revision, exitCode, says } of cases) {
    const cache = await scratch(t)
    const words = ['cache', 'pull', name, ...(revision === undefined ? [] : ['--revision', revision])]
    const ended = await aim(words, cache, { AWS_ENDPOINT_URL_S3: gateway.endpoint, ...env })
    assert.match(ended.stderr, says)
    assert.equal(ended.exitCode, exitCode, ended.stderr)
    assert.doesNotMatch(ended.stderr, /Signature=|gateway\/secret/)
    assert.equal(await readFile(join(cache, 'hub/CACHEDIR.TAG'), 'utf8').catch(() => 'none'), 'none')
  }
})

/** Stands before a store: what was asked, and a word before each request is passed on. */
const startGate = async (t: TestContext, store: Store, beforeEach: (request: IncomingMessage) => Promise<void> = async () => {}) => {
  const seen: URL[] = []
  const server = createServer(async (request, response) => {
    seen.push(new URL(request.url ?? '', store.endpoint))
    await beforeEach(request)
    const onward = ask(`${store.endpoint}${request.url}`, { method: request.method, headers: request.headers }, (answer) => {
      response.writeHead(answer.statusCode ?? 502, answer.headers)
      answer.pipe(response)
    })
    request.pipe(onward)
  })
  const endpoint = await listen(t, server)
  return { endpoint, seen, who: () => new Set(seen.map(({ searchParams }) => searchParams.get('X-Amz-Credential')?.split('/')[0])) }
}

const listen = async (t: TestContext, server: ReturnType<typeof createServer>): Promise<string> => {
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  t.after(() => server.close().closeAllConnections())
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`
}

const expiring = {
  AccessKeyId: 'ASIALENT',
  SecretAccessKey: 'lent',
  Token: 'session',
  Expiration: new Date(Date.now() + 3_600_000).toISOString(),
}

const json = (response: ServerResponse, value: unknown): void =>
  void response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify(value))

/** The agent of EKS Pod Identity and the metadata service of a machine, as AWS documents them. */
const startLender = async (t: TestContext): Promise<string> =>
  listen(
    t,
    createServer((request, response) => {
      const { method, url, headers } = request
      const isAgent = url === '/v1/credentials' && headers.authorization === 'pod-token'
      const isMachine = headers['x-aws-ec2-metadata-token'] === 'imds-token'
      if (isAgent) json(response, expiring)
      else if (method === 'PUT' && url === '/latest/api/token') response.end('imds-token')
      else if (isMachine && url === '/latest/meta-data/iam/security-credentials/') response.end('node-role')
      else if (isMachine && url === '/latest/meta-data/iam/security-credentials/node-role') json(response, { Code: 'Success', ...expiring })
      else response.writeHead(401).end()
    }),
  )

test('credentials are found by every way that AWS documents, and signed with', async (t) => {
  const files = await scratch(t)
  const lender = await startLender(t)
  await writeFile(join(files, 'token'), 'pod-token')
  await mkdir(join(files, '.aws'))
  await writeFile(join(files, '.aws/credentials'), '[own]\naws_access_key_id = AKIAPROFILE\naws_secret_access_key = s\n')
  const gate = await startGate(t, moto)
  await writeFile(
    join(files, '.aws/config'),
    `[profile own]\nregion = eu-west-1\nservices = local\n[services local]\ns3 =\n  endpoint_url = ${gate.endpoint}\n`,
  )
  const profile = {
    AWS_SHARED_CREDENTIALS_FILE: join(files, '.aws/credentials'),
    AWS_CONFIG_FILE: join(files, '.aws/config'),
    AWS_PROFILE: 'own',
  }
  const ways: readonly { name: string; env: Record<string, string>; who: RegExp; region?: string; token?: boolean }[] = [
    { name: 'environment', env: { ...keys, AWS_REGION: 'ap-south-1' }, who: /^AKIAGATEWAY$/, region: 'ap-south-1' },
    { name: 'session', env: { ...keys, AWS_SESSION_TOKEN: 'session' }, who: /^AKIAGATEWAY$/, token: true },
    {
      name: 'profile, with its region and endpoint',
      env: { ...profile, AWS_ENDPOINT_URL_S3: '' },
      who: /^AKIAPROFILE$/,
      region: 'eu-west-1',
    },
    {
      name: 'IRSA',
      env: {
        AWS_ROLE_ARN: 'arn:aws:iam::123456789012:role/models',
        AWS_WEB_IDENTITY_TOKEN_FILE: join(files, 'token'),
        AWS_ENDPOINT_URL_STS: moto.endpoint,
        AWS_REGION: 'us-east-1',
      },
      who: /^ASIA\w+$/,
      token: true,
    },
    {
      name: 'EKS Pod Identity',
      env: {
        AWS_CONTAINER_CREDENTIALS_FULL_URI: `${lender}/v1/credentials`,
        AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE: join(files, 'token'),
      },
      who: /^ASIALENT$/,
      token: true,
    },
    {
      name: 'IMDSv2',
      env: { AWS_EC2_METADATA_SERVICE_ENDPOINT: lender, AWS_EC2_METADATA_DISABLED: 'false' },
      who: /^ASIALENT$/,
      token: true,
    },
  ]
  for (const { name, env, who, region = 'us-east-1', token = false } of ways) {
    gate.seen.length = 0
    await isWhole(await aim(['cache', 'pull', model], await scratch(t), { AWS_ENDPOINT_URL_S3: gate.endpoint, ...env }))
    for (const { searchParams } of gate.seen) {
      const [key, , where] = searchParams.get('X-Amz-Credential')?.split('/') ?? []
      assert.match(key ?? '', who, name)
      assert.equal(where, region, name)
      assert.equal(searchParams.has('X-Amz-Security-Token'), token, name)
    }
  }
})

test('an object that changes while it is fetched ends the pull, and nothing of the two is published', async (t) => {
  const cache = await scratch(t)
  await send(`${moto.endpoint}/models/moving/config.json`, 'PUT', config)
  await send(`${moto.endpoint}/models/moving/model.safetensors`, 'PUT', large)
  let changed = false
  const gate = await startGate(t, moto, async ({ method, url, headers }) => {
    const isLater = method === 'GET' && url?.includes('model.safetensors') && !headers.range?.startsWith('bytes=0-')
    if (!isLater || changed) return
    changed = true
    await send(`${moto.endpoint}/models/moving/model.safetensors`, 'PUT', randomBytes(large.length))
  })
  const ended = await aim(['cache', 'pull', 's3://models/moving'], cache, { ...keys, AWS_ENDPOINT_URL_S3: gate.endpoint })
  assert.ok(changed)
  assert.equal(ended.exitCode, exitCodes.temporary, ended.stderr)
  assert.match(ended.stderr, /'model.safetensors' of 's3:\/\/models\/moving': it was changed after it was listed/)
  const [held] = JSON.parse((await aim(['cache', 'ls', '--format', 'json'], cache, {})).stdout).models
  assert.deepEqual(held?.revisions ?? [], [])
  const again = await aim(['cache', 'pull', 's3://models/moving'], cache, { ...keys, AWS_ENDPOINT_URL_S3: moto.endpoint })
  assert.equal(again.exitCode, 0, again.stderr)
})

test('replicas that pull one bucket into one volume share the work', async (t) => {
  const cache = await scratch(t)
  let bytes = 0
  const gate = await startGate(t, moto, async ({ method, headers }) => {
    const [, start, end] = /bytes=(\d+)-(\d+)/.exec(headers.range ?? '') ?? []
    if (method === 'GET' && start !== undefined) bytes += Number(end) - Number(start) + 1
  })
  const env = { ...keys, AWS_ENDPOINT_URL_S3: gate.endpoint }
  const ended = await Promise.all(Array.from({ length: 3 }, () => aim(['cache', 'pull', model], cache, env)))
  for (const one of ended) await isWhole(one)
  assert.ok(bytes <= 2 * large.length * 1.02, `${bytes} bytes were asked for, twice ${large.length} are there`)
})
