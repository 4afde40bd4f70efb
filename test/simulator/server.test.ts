import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { request } from 'node:https'
import { join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import { type Engine, eventually, post, ready, sample, start, status } from './engine.ts'
import { directory, modelFiles } from './fixture.ts'

type Completion = {
  choices: { index: number; text: string; finish_reason: string; stop_reason: string | null }[]
  usage: Record<string, number>
}

const events = async (response: Response): Promise<readonly string[]> => {
  const text = await response.text()
  return text.split('\n\n').filter((line) => line !== '')
}

const stop = async (engine: Engine | undefined): Promise<void> => engine?.[Symbol.asyncDispose]()

describe('the HTTP surface', () => {
  let model: Awaited<ReturnType<typeof directory>>
  let engine: Engine
  before(async () => {
    model = await directory(modelFiles())
    engine = await start(model.path, ['--served-model-name', 'tiny', 'small', '--max-model-len', '512', '--root-path', '/engine'])
    await ready(engine)
  })
  after(async () => {
    await stop(engine)
    await model[Symbol.asyncDispose]()
  })

  const answer = async (path: string, body: unknown): Promise<Completion> => (await post(engine, path, body)).json() as Promise<Completion>

  const paths: readonly (readonly [string, string, number])[] = [
    ['GET', '/health', 200],
    ['POST', '/health', 405],
    ['GET', '/ping', 200],
    ['POST', '/ping', 200],
    ['GET', '/engine/health', 200],
    ['GET', '/nowhere', 404],
    ['GET', '/v1/completions', 405],
    ['POST', '/v1/embeddings', 404],
    ['POST', '/v1/completions', 400],
    ['POST', '/tokenize', 400],
    ['POST', '/invocations', 400],
  ]
  for (const [method, path, expected] of paths)
    it(`answers ${expected} to a bare ${method} ${path}`, async () => {
      assert.equal((await fetch(`${engine.url}${path}`, { method })).status, expected)
    })
  it('says everywhere that it is a simulator', async () => {
    const response = await fetch(`${engine.url}/version`)
    assert.deepEqual(await response.json(), { version: '0.32.0+simulator', simulator: true })
    assert.equal(response.headers.get('x-aim-simulator'), '1')
  })
  it('lists every served name', async () => {
    const list = (await (await fetch(`${engine.url}/v1/models`)).json()) as { data: Record<string, unknown>[] }
    assert.deepEqual(
      list.data.map(({ id }) => id),
      ['tiny', 'small'],
    )
    assert.partialDeepStrictEqual(list.data[0], { object: 'model', owned_by: 'vllm', root: model.path, max_model_len: 512 })
  })
  it('completes a prompt to its limit', async () => {
    const body = await answer('/v1/completions', { model: 'small', prompt: 'one two', max_tokens: 5 })
    assert.equal(body.choices[0]?.text, "This is AIM Engine's simulator,")
    assert.equal(body.choices[0]?.finish_reason, 'length')
    assert.deepEqual(body.usage, { prompt_tokens: 2, completion_tokens: 5, total_tokens: 7 })
  })
  it('ends a chat by itself when it has no limit', async () => {
    const body = (await answer('/v1/chat/completions', { messages: [{ role: 'user', content: 'hi' }] })) as unknown as {
      choices: { message: { content: string }; finish_reason: string }[]
    }
    assert.match(body.choices[0]?.message.content ?? '', /not a model\./)
    assert.equal(body.choices[0]?.finish_reason, 'stop')
  })
  it('gives n choices of every prompt, in order', async () => {
    const body = await answer('/v1/completions', { prompt: ['a', 'b'], n: 2, max_tokens: 2 })
    assert.deepEqual(
      body.choices.map(({ index }) => index),
      [0, 1, 2, 3],
    )
  })
  it('ends at a stop string, which it leaves out and names', async () => {
    const [choice] = (await answer('/v1/completions', { prompt: 'a', max_tokens: 20, stop: [' simulator'] })).choices
    assert.deepEqual([choice?.text, choice?.finish_reason, choice?.stop_reason], ["This is AIM Engine's", 'stop', ' simulator'])
  })
  it('streams one event per token, the usage when asked, and [DONE]', async () => {
    const response = await post(engine, '/v1/completions', {
      prompt: 'a',
      max_tokens: 4,
      stream: true,
      stream_options: { include_usage: true },
    })
    assert.match(response.headers.get('content-type') ?? '', /^text\/event-stream/)
    const lines = await events(response)
    assert.equal(lines.length, 6)
    assert.equal(lines.at(-1), 'data: [DONE]')
    assert.match(lines.at(-2) ?? '', /"choices":\[\],"usage":\{"prompt_tokens":1,"total_tokens":5,"completion_tokens":4\}/)
    assert.match(lines.at(-3) ?? '', /"finish_reason":"length"/)
  })
  it('opens a chat stream with the role', async () => {
    const lines = await events(
      await post(engine, '/v1/chat/completions', { messages: [{ role: 'user', content: 'a' }], max_tokens: 1, stream: true }),
    )
    assert.match(lines[0] ?? '', /"delta":\{"role":"assistant","content":""\}/)
    assert.equal(lines.length, 3)
  })
  it('refuses an unknown model and a bad body in the shape of OpenAI', async () => {
    const unknown = await post(engine, '/v1/completions', { model: 'x', prompt: 'a' })
    assert.equal(unknown.status, 404)
    assert.deepEqual(await unknown.json(), {
      error: { message: 'The model `x` does not exist. Valid aliases: tiny, small.', type: 'NotFoundError', param: 'model', code: 404 },
    })
    const bad = await post(engine, '/v1/completions', { prompt: 'a', max_tokens: 5000 })
    assert.equal(bad.status, 400)
    assert.partialDeepStrictEqual(await bad.json(), { error: { type: 'BadRequestError', param: 'max_tokens', code: 400 } })
  })
  it('tokenizes by words', async () => {
    assert.partialDeepStrictEqual(await (await post(engine, '/tokenize', { prompt: 'one two' })).json(), { count: 2, max_model_len: 512 })
  })
  it('counts what it does in its metrics', async () => {
    const counts = async () =>
      Promise.all(
        [
          'vllm:generation_tokens_total',
          'vllm:prompt_tokens_total',
          'vllm:iteration_tokens_total_sum',
          'vllm:time_to_first_token_seconds_count',
        ].map((name) => sample(engine, name)),
      )
    const earlier = await counts()
    await answer('/v1/completions', { prompt: 'a b c', max_tokens: 4 })
    assert.deepEqual(
      (await counts()).map((count, index) => (count ?? 0) - (earlier[index] ?? 0)),
      [4, 3, 7, 1],
    )
    assert.ok(((await sample(engine, 'http_requests_total{handler="/v1/completions",method="POST",status="2xx"}')) ?? 0) > 0)
    assert.ok(((await sample(engine, 'process_resident_memory_bytes')) ?? 0) > 1e6)
  })
  it('shows a running request, aborts it when its client leaves, and forgets it', async () => {
    const leave = new AbortController()
    const body = JSON.stringify({ prompt: 'a', max_tokens: 400, stream: true, n: 1 })
    const headers = { 'content-type': 'application/json' }
    const aborted = 'vllm:request_success_total{engine="0",finished_reason="abort"'
    const earlier = (await sample(engine, aborted)) ?? 0
    const response = await fetch(`${engine.url}/v1/completions`, { method: 'POST', headers, body, signal: leave.signal })
    await response.body?.getReader().read()
    assert.equal(await sample(engine, 'vllm:num_requests_running'), 1)
    assert.ok(((await sample(engine, 'vllm:kv_cache_usage_perc')) ?? 0) > 0)
    leave.abort()
    await eventually('it is counted as aborted', async () => (await sample(engine, aborted)) === earlier + 1)
    await eventually('nothing runs', async () => (await sample(engine, 'vllm:num_requests_running')) === 0)
  })
  it('counts no load unless told to', async () => {
    assert.deepEqual(await (await fetch(`${engine.url}/load`)).json(), { server_load: 0 })
  })
  it('writes an access line per request to standard output', () => {
    assert.match(engine.stdout(), /INFO: {5}127\.0\.0\.1:\d+ - "GET \/health HTTP\/1\.1" 200 OK\n/)
  })
})

describe('the server', { concurrency: 4 }, () => {
  it('wants a key for /v1 and for nothing else', async () => {
    await using model = await directory(modelFiles())
    await using engine = await start(model.path, ['--api-key', 'k', 'l'])
    await ready(engine)
    const open = await Promise.all(['/health', '/metrics', '/version', '/load', '/ping'].map((path) => status(engine, path)))
    assert.deepEqual(open, [200, 200, 200, 200, 200])
    const refused = await fetch(`${engine.url}/v1/models`)
    assert.deepEqual([refused.status, await refused.json()], [401, { error: 'Unauthorized' }])
    assert.equal((await fetch(`${engine.url}/v1/models`, { headers: { authorization: 'Bearer l' } })).status, 200)
    assert.doesNotMatch(engine.stdout(), /'k'/)
  })
  it('serves embeddings, and no completions, for a model that embeds', async () => {
    await using model = await directory(modelFiles({ architectures: ['BertModel'], hidden_size: 12 }))
    await using engine = await start(model.path)
    await ready(engine)
    const body = (await (await post(engine, '/v1/embeddings', { input: ['a b', 'c'] })).json()) as {
      data: { embedding: number[] }[]
      usage: object
    }
    assert.deepEqual(
      body.data.map(({ embedding }) => embedding.length),
      [12, 12],
    )
    assert.deepEqual(body.usage, { prompt_tokens: 3, total_tokens: 3, completion_tokens: 0 })
    assert.equal((await post(engine, '/v1/completions', { prompt: 'a' })).status, 404)
    assert.match(engine.stdout(), /Supported tasks: \['embed'\]/)
  })
  it('lets wait what the batch does not hold', async () => {
    await using model = await directory(modelFiles())
    await using engine = await start(model.path, ['--max-num-seqs', '1'], { AIM_SIMULATOR_TOKEN_MS: '20' })
    await ready(engine)
    const streams = await Promise.all([1, 2, 3].map(() => post(engine, '/v1/completions', { prompt: 'a', max_tokens: 30, stream: true })))
    await eventually('two wait', async () => (await sample(engine, 'vllm:num_requests_waiting{')) === 2)
    const texts = await Promise.all(streams.map((stream) => stream.text()))
    assert.ok(texts.every((text) => text.includes('"finish_reason":"length"')))
  })
  it('leaves its own metrics only, when told to log no stats', async () => {
    await using model = await directory(modelFiles())
    await using engine = await start(model.path, ['--disable-log-stats', '--disable-uvicorn-access-log'])
    await ready(engine)
    const text = await (await fetch(`${engine.url}/metrics`)).text()
    assert.match(text, /^process_open_fds /m)
    assert.doesNotMatch(text, /vllm:/)
    assert.doesNotMatch(engine.stdout(), /GET \/metrics/)
  })
  it('serves over TLS with a key and a certificate', async () => {
    await using model = await directory(modelFiles())
    const [key, certificate] = ['key.pem', 'cert.pem'].map((name) => join(model.path, name))
    const words = [
      'req',
      '-x509',
      '-newkey',
      'ec',
      '-pkeyopt',
      'ec_paramgen_curve:prime256v1',
      '-nodes',
      '-days',
      '1',
      '-subj',
      '/CN=localhost',
    ]
    execFileSync('openssl', [...words, '-keyout', key ?? '', '-out', certificate ?? ''], { stdio: 'ignore' })
    await using engine = await start(model.path, ['--ssl-keyfile', key ?? '', '--ssl-certfile', certificate ?? ''])
    await eventually('it is up', () => engine.stderr().includes('Application startup complete'))
    const answered = await new Promise((resolve, reject) => {
      const sent = request({ host: '127.0.0.1', port: engine.port, path: '/health', rejectUnauthorized: false }, (response) =>
        resolve(response.statusCode),
      )
      sent.once('error', reject)
      sent.end()
    })
    assert.equal(answered, 200)
    assert.match(engine.stdout(), /Starting vLLM server on https:/)
  })
})
