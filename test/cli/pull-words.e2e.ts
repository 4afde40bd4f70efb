/** What a user reads when a pull cannot be: the whole sentence, the fix and the exit code, by the command itself against a hub that misbehaves. */
import assert from 'node:assert/strict'
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { request as ask, createServer as createPlain, type Server } from 'node:http'
import { createServer } from 'node:https'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { execa } from 'execa'
import { files } from '../cache/setup.ts'
import type { HubOptions } from '../hub/exchange.ts'
import { startHub, type TestHub } from '../hub/server.ts'
import { aimCommand, bareEnvironment } from '../stage/aim.ts'

type Row = {
  readonly name: string
  readonly model?: string
  readonly revision?: string
  readonly env?: Readonly<Record<string, string>>
  readonly faults?: HubOptions['faults']
  readonly code: number
  /** HUB and CDN stand for the addresses' hosts. */
  readonly says: string
  readonly fix: string
}

const large = /model-00001-of-00002/

const rows: readonly Row[] = [
  {
    name: 'gated, without a token',
    model: 'org/gated',
    env: { HF_TOKEN: '' },
    code: 77,
    says: `cannot fetch 'config.json' of 'org/gated': the repository is gated: its terms have to be accepted first (HUB answered 401, GatedRepo, "Access to model org/gated is restricted and you are not in the authorized list.", request Root=1-test)`,
    fix: 'accept the terms on http://HUB/org/gated and set HF_TOKEN to a token of that account',
  },
  {
    name: 'gated, with a token',
    model: 'org/gated',
    code: 77,
    says: `cannot fetch 'config.json' of 'org/gated': the repository is gated: its terms have to be accepted first (HUB answered 403, GatedRepo, "Access to model org/gated is restricted and you are not in the authorized list.", request Root=1-test)`,
    fix: 'accept the terms on http://HUB/org/gated with the account that HF_TOKEN belongs to, and let the token read gated repositories',
  },
  {
    name: 'a bad token',
    env: { HF_TOKEN: 'hf_mistyped' },
    code: 77,
    says: `cannot fetch 'org/m': the Hub does not know the token: it is mistyped, expired or revoked (HUB answered 401, "Invalid credentials in Authorization header", request Root=1-test)`,
    fix: 'make a new token on http://HUB/settings/tokens and set HF_TOKEN to it',
  },
  {
    name: 'a 401 that means 404',
    model: 'org/none',
    env: { HF_TOKEN: '' },
    code: 78,
    says: `cannot fetch 'org/none': it does not exist, or it is private and no token was given (HUB answered 401, RepoNotFound, "Repository not found", request Root=1-test)`,
    fix: 'check the spelling; if it is private, set HF_TOKEN to your token',
  },
  {
    name: 'a 401 that means 404, without a code',
    env: { HF_TOKEN: '' },
    faults: [{ at: 'api', kind: 'status', status: 401 }],
    code: 78,
    says: `cannot fetch 'org/m': it does not exist, or it is private and no token was given (HUB answered 401)`,
    fix: 'check the spelling; if it is private, set HF_TOKEN to your token',
  },
  {
    name: 'a wrong revision',
    revision: 'v9',
    code: 78,
    says: `cannot fetch 'org/m': the repository has no revision 'v9' (HUB answered 404, RevisionNotFound, "Invalid rev id: v9", request Root=1-test)`,
    fix: 'choose a branch, tag or commit listed on http://HUB/org/m/tree/main',
  },
  {
    name: 'disabled',
    model: 'org/disabled',
    code: 77,
    says: `cannot fetch 'org/disabled': the Hub has disabled the repository (HUB answered 403, "Access to this resource is disabled.", request Root=1-test)`,
    fix: 'see http://HUB/org/disabled for the reason and choose another model',
  },
  {
    name: 'a portal that answers in its place',
    faults: [{ at: 'api', kind: 'status', status: 200, body: '<html>log in</html>' }],
    code: 78,
    says: 'cannot read the answer of http://HUB: it is no JSON',
    fix: 'check that HF_ENDPOINT names a Hugging Face Hub and that no proxy answers in its place',
  },
  {
    name: 'wrong bytes',
    faults: [{ at: 'cdn', kind: 'wrong-bytes', path: large }],
    code: 75,
    says: `cannot use 'model-00001-of-00002.safetensors' of 'org/m': the bytes that came are not those with sha256 SHA`,
    fix: 'try again; if it stays, a proxy or mirror (HTTPS_PROXY, HF_ENDPOINT) alters or mixes up files',
  },
  {
    name: 'nobody listens, for as long as we ask',
    env: { HF_ENDPOINT: 'http://127.0.0.1:1' },
    code: 75,
    says: `cannot fetch 'org/m' from 127.0.0.1:1: nothing listens there (ECONNREFUSED); gave up after 6 tries`,
    fix: 'check the network, HTTPS_PROXY and HF_ENDPOINT, then try again',
  },
  {
    name: 'a proxy that wants credentials',
    env: { HF_ENDPOINT: 'https://hub.invalid', HTTPS_PROXY: 'http://PROXY' },
    code: 77,
    says: `cannot fetch 'org/m' from hub.invalid: the proxy wants credentials`,
    fix: 'put user and password into HTTP_PROXY and HTTPS_PROXY',
  },
  {
    name: 'a certificate of an authority that is not known here',
    env: { HF_ENDPOINT: 'https://TLS' },
    code: 78,
    says: `cannot fetch 'org/m' from TLS: its certificate is not trusted (UNABLE_TO_VERIFY_LEAF_SIGNATURE)`,
    fix: 'name the authority of your proxy or mirror in SSL_CERT_FILE or NODE_EXTRA_CA_CERTS (a PEM file), and check the clock',
  },
]

const listen = async (server: Server, host = '127.0.0.1'): Promise<string> => {
  await new Promise<void>((resolve) => server.listen(0, host, resolve))
  return `${host === '127.0.0.1' ? host : 'localhost'}:${(server.address() as AddressInfo).port}`
}

/** An authority of one's own, and a certificate of it for localhost. */
const issue = async (directory: string): Promise<{ readonly ca: string; readonly key: Buffer; readonly cert: Buffer }> => {
  const at = (name: string): string => join(directory, name)
  const make = (words: string): Promise<unknown> => execa('openssl', words.split(' '), { cwd: directory })
  await make('req -x509 -newkey rsa:2048 -nodes -keyout ca.key -out ca.pem -days 2 -subj /CN=corporate')
  await make('req -newkey rsa:2048 -nodes -keyout leaf.key -out leaf.csr -subj /CN=localhost -addext subjectAltName=DNS:localhost')
  await make('x509 -req -in leaf.csr -CA ca.pem -CAkey ca.key -CAcreateserial -days 2 -copy_extensions copy -out leaf.pem')
  return { ca: at('ca.pem'), key: readFileSync(at('leaf.key')), cert: readFileSync(at('leaf.pem')) }
}

describe('what a pull says', { concurrency: 1 }, () => {
  let directory: string
  let hub: TestHub
  let authority: string
  const hosts: Record<string, string> = {}
  const servers: Server[] = []
  before(async () => {
    directory = mkdtempSync(join(tmpdir(), 'aim-words-'))
    hub = await startHub({
      repos: {
        'org/m': { files },
        'org/gated': { files, gated: true },
        'org/disabled': { files, disabled: true },
      },
      renamed: { 'old/m': 'org/m' },
    })
    const { ca, key, cert } = await issue(directory)
    authority = ca
    const tls = createServer({ key, cert }, (request, response) => {
      const onward = ask(`${hub.url}${request.url}`, { headers: request.headers }, (answer) => {
        response.writeHead(answer.statusCode ?? 502, answer.headers)
        answer.pipe(response)
      })
      onward.end()
    })
    const proxy = createPlain().on('connect', (_request, socket) => socket.end('HTTP/1.1 407 Proxy Authentication Required\r\n\r\n'))
    servers.push(tls, proxy)
    Object.assign(hosts, {
      HUB: new URL(hub.url).host,
      TLS: await listen(tls, 'localhost'),
      PROXY: await listen(proxy),
    })
  })
  after(async () => {
    await hub.close()
    for (const server of servers) server.close().closeAllConnections()
    rmSync(directory, { recursive: true, force: true })
  })

  const filled = (text: string): string => text.replace(/\b(?:HUB|TLS|PROXY)\b/g, (name) => hosts[name] ?? name)

  const pull = async (cache: string, { model = 'org/m', revision, env = {} }: Partial<Row>) => {
    const [file, ...rest] = aimCommand
    const own = { ...bareEnvironment(), HF_ENDPOINT: hub.url, HF_HUB_CACHE: cache, HF_TOKEN: 'hf_valid' }
    const given = Object.fromEntries(Object.entries(env).map(([name, value]) => [name, filled(value)]))
    const words = ['cache', 'pull', model, ...(revision === undefined ? [] : ['--revision', revision])]
    return execa(file, [...rest, ...words], { env: { ...own, ...given }, extendEnv: false, reject: false })
  }

  for (const [number, row] of rows.entries())
    test(row.name, async () => {
      hub.faults.splice(0, hub.faults.length, ...(row.faults ?? []))
      const cache = join(directory, `cache-${number}`)
      const { exitCode, stdout, stderr } = await pull(cache, row)
      const said = stderr.slice(stderr.indexOf('aim: ')).replace(/\b[0-9a-f]{64}\b/, 'SHA')
      assert.equal(said, `aim: ${filled(row.says)}\n  fix: ${filled(row.fix)}`)
      assert.equal(exitCode, row.code)
      assert.equal(stdout, '')
      const left = readdirSync(directory).includes(`cache-${number}`) ? readdirSync(cache, { recursive: true }).map(String) : []
      assert.deepEqual(
        left.filter((path) => /aim-part|\.json$|refs\/|snapshots\//.test(path)),
        [],
      )
    })

  const gets = async (name: string, row: Partial<Row>): Promise<void> => {
    hub.faults.splice(0, hub.faults.length, ...(row.faults ?? []))
    const { exitCode, stdout, stderr } = await pull(join(directory, name), row)
    assert.equal(exitCode, 0, stderr)
    for (const [path, content] of Object.entries(files)) assert.ok(readFileSync(join(stdout, path)).equals(Buffer.from(content)), path)
  }

  test('a renamed repository is followed', () => gets('renamed', { model: 'old/m' }))

  test('a rate limit is waited for as its header says, an outage and a lost answer as often as it takes', () =>
    gets('passing', {
      faults: [
        { at: 'api', kind: 'rate-limit', seconds: 1, times: 1 },
        { at: 'api', kind: 'status', status: 503, times: 1 },
        { at: 'resolve', kind: 'status', status: 500, path: large, times: 1 },
        { at: 'cdn', kind: 'reset', afterBytes: 1000, path: large, times: 1 },
        { at: 'cdn', kind: 'short', bytes: 1000, path: /00002-of/, times: 1 },
      ],
    }))

  test('an address that has run out is asked for anew; a whole file in place of a range is taken', () =>
    gets('expired', {
      faults: [
        { at: 'resolve', kind: 'expired', path: large, times: 1 },
        { at: 'cdn', kind: 'ignore-range', path: /onnx/ },
      ],
    }))

  test("a corporate authority counts by Node's variable and by OpenSSL's", async () => {
    for (const name of ['NODE_EXTRA_CA_CERTS', 'SSL_CERT_FILE'])
      await gets(name, { env: { HF_ENDPOINT: 'https://TLS', [name]: authority } })
  })
})
