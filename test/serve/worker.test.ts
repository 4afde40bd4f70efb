import assert from 'node:assert/strict'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, describe, test } from 'node:test'
import { runWorker, workerEnvironment } from '../../src/serve/worker.ts'
import type { WorkerMessage, WorkerRequest } from '../../src/serve/worker-protocol.ts'
import { Failure } from '../../src/std/failure.ts'
import { startHub } from '../hub/server.ts'

describe('workerEnvironment()', () => {
  const secrets = { HF_TOKEN: 'x', HF_TOKEN_FILE: '/x', VLLM_API_KEY: 'x', DATABASE_URL: 'x', NODE_OPTIONS: '--inspect' }
  const rows: readonly [
    claim: string,
    kind: 'huggingface' | 'modelscope' | 's3',
    given: Record<string, string>,
    kept: Record<string, string>,
  ][] = [
    ['no secret of the container reaches the worker of a hub', 'huggingface', { ...secrets, AWS_SECRET_ACCESS_KEY: 'x' }, {}],
    ['nor that of another hub', 'modelscope', { ...secrets, AWS_SESSION_TOKEN: 'x', MODELSCOPE_API_TOKEN: 'x' }, {}],
    [
      'S3 gets what AWS’s programs read and no more',
      's3',
      { ...secrets, AWS_PROFILE: 'p', AWS_REGION: 'r' },
      { AWS_PROFILE: 'p', AWS_REGION: 'r' },
    ],
    [
      'the way out is kept, as it is written',
      'huggingface',
      { PATH: '/bin', https_proxy: 'a', HTTPS_PROXY: 'b', NO_PROXY: 'c', NODE_EXTRA_CA_CERTS: '/ca' },
      { PATH: '/bin', https_proxy: 'a', HTTPS_PROXY: 'b', NO_PROXY: 'c', NODE_EXTRA_CA_CERTS: '/ca' },
    ],
    ['authorities as OpenSSL names them', 'huggingface', { SSL_CERT_FILE: '/ca' }, { SSL_CERT_FILE: '/ca', NODE_USE_SYSTEM_CA: '1' }],
    ['those of AWS for S3', 's3', { AWS_CA_BUNDLE: '/ca' }, { AWS_CA_BUNDLE: '/ca', NODE_EXTRA_CA_CERTS: '/ca' }],
    [
      'Node’s own go before those',
      's3',
      { AWS_CA_BUNDLE: '/ca', NODE_EXTRA_CA_CERTS: '/own' },
      { AWS_CA_BUNDLE: '/ca', NODE_EXTRA_CA_CERTS: '/own' },
    ],
  ]
  for (const [claim, kind, given, kept] of rows) test(claim, () => assert.deepEqual(workerEnvironment(kind, given), kept))
})

describe('runWorker()', () => {
  const directory = mkdtempSync(join(tmpdir(), 'aim-worker-'))
  const program = process.argv[1] ?? ''
  after(() => {
    process.argv[1] = program
    rmSync(directory, { recursive: true })
  })
  const describeRepo = (endpoint: string): WorkerRequest => ({ kind: 'describe', hub: { endpoint }, repo: 'a/b', revision: 'main' })
  const ask = (endpoint: string, signal = new AbortController().signal): Promise<WorkerMessage & { readonly kind: 'described' }> =>
    runWorker(describeRepo(endpoint), 'described', signal, () => undefined)

  describe('and a worker that does as the test says', () => {
    /** The worker is a subcommand of our own program, in whose place stands another. */
    const run = (script: string, signal?: AbortSignal): ReturnType<typeof ask> => {
      process.argv[1] = join(directory, 'worker.js')
      writeFileSync(process.argv[1], `process.stdin.once('data', () => { ${script} })`)
      return ask('http://127.0.0.1:9', signal)
    }
    const describes = (length: number): string =>
      `console.log(JSON.stringify({ kind: 'described', config: 'x'.repeat(${length}) })); process.stdin.destroy()`

    for (const length of [40_000, 2_000_000])
      test(`an answer of ${length} characters, which a line of an engine may not have, comes whole`, async () => {
        const { config } = await run(describes(length))
        assert.equal((config as string).length, length)
      })
    test('one that was called off before it began is ended', async () => {
      const reason = new Error('asked to stop')
      await assert.rejects(run(describes(1), AbortSignal.abort(reason)), reason)
    })
    test('one that fails says why, with its code', async () => {
      const failed = `console.log(JSON.stringify({ kind: 'failed', message: 'no such model', exitCode: 78 })); process.exit(78)`
      await assert.rejects(run(failed), (error) => error instanceof Failure && error.exitCode === 78 && error.message === 'no such model')
    })
    test('one that dies leaves its last words', async () => {
      await assert.rejects(run(`console.error('heap out of memory'); process.exit(134)`), /ended with code 134: heap out of memory/)
    })
  })

  describe('and our own worker, whose answer is read to its end though it is more than a pipe takes at once', () => {
    const rows: readonly [claim: string, files: Readonly<Record<string, string>>][] = [
      ['a repository of 5000 files', Object.fromEntries(Array.from({ length: 5000 }, (_, i) => [`data/part-${i}.txt`, `${i}`]))],
      ['a config.json of a megabyte', { 'config.json': JSON.stringify({ id2label: 'x'.repeat(1_000_000) }) }],
    ]
    for (const [claim, files] of rows)
      test(claim, async (t) => {
        process.argv[1] = join(import.meta.dirname, '../../src/main.ts')
        const hub = await startHub({ repos: { 'a/b': { files } } })
        t.after(() => hub.close())
        const { listing, config } = await ask(hub.url)
        assert.equal(listing.files.length, Object.keys(files).length)
        assert.equal(JSON.stringify(config), files['config.json'])
      })
    test('called off before it began it asks nobody', async () => {
      process.argv[1] = join(import.meta.dirname, '../../src/main.ts')
      const reason = new Error('asked to stop')
      await assert.rejects(ask('http://127.0.0.1:9', AbortSignal.abort(reason)), reason)
    })
  })
})
