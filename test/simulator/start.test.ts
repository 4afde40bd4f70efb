import assert from 'node:assert/strict'
import { createServer } from 'node:http'
import { describe, it } from 'node:test'
import { type Engine, eventually, ready, start, status } from './engine.ts'
import { directory, modelFiles } from './fixture.ts'

/** What a reader of vLLM's log looks for, in the order of the phases. */
const markers = [
  /\[simulator\] This is AIM Engine's simulator/,
  /\(APIServer pid=\d+\) INFO .* version 0\.32\.0/,
  /non-default args: \{'model_tag': /,
  /Resolved architecture: LlamaForCausalLM/,
  /Using max model len 1024/,
  /\(EngineCore pid=\d+\) INFO .*Initializing a V1 LLM engine/,
  /\(Worker pid=\d+\) INFO .*world_size=1 rank=0 local_rank=0/,
  /Starting to load model/,
  /Loading weights took [\d.]+ seconds/,
  /Model loading took [\d.]+ GiB memory and [\d.]+ seconds/,
  /torch\.compile took [\d.]+ s/,
  /Available KV cache memory: [\d.]+ GiB/,
  /GPU KV cache size: [\d,]+ tokens, Maximum concurrency for 1,024 tokens per request: [\d.]+x/,
  /Graph capturing finished in \d+ secs, took [\d.]+ GiB/,
  /init engine \(profile, create kv cache, warmup model\) took [\d.]+ s/,
  /Supported tasks: \['generate'\]/,
  /Starting vLLM server on http:\/\/0\.0\.0\.0:\d+/,
]

const positions = (text: string, patterns: readonly RegExp[]): readonly number[] => patterns.map((pattern) => text.search(pattern))

const outcome = async (engine: Engine): Promise<{ code: number | null; last: string }> => {
  const { code } = await engine.exit
  return { code, last: engine.stderr().trim().split('\n').at(-1) ?? '' }
}

type Failing = {
  readonly files: Readonly<Record<string, string | Buffer>>
  readonly words?: readonly string[]
  readonly last: RegExp
  readonly shown?: RegExp
}

const weights = modelFiles()['model-00001-of-00002.safetensors'] as Buffer

const failing: Readonly<Record<string, Failing>> = {
  'without a config.json': { files: {}, last: /^ValueError: Invalid repository ID or local directory specified/ },
  'with a broken config.json': {
    files: { 'config.json': '{' },
    last: /^OSError: It looks like the config file at '.*' is not a valid JSON file\.$/,
  },
  'with too long a context': {
    files: modelFiles(),
    words: ['--max-model-len', '100000'],
    last: /^ {2}Value error, User-specified max_model_len \(100000\) is greater than the derived max_model_len/,
  },
  'without its TLS key': {
    files: modelFiles(),
    words: ['--ssl-keyfile', '/nowhere', '--ssl-certfile', '/nowhere'],
    last: /^OSError: ENOENT/,
  },
  'with truncated weights': {
    files: { ...modelFiles(), 'model-00002-of-00002.safetensors': weights.subarray(0, 80) },
    last: /^RuntimeError: Engine core initialization failed\. See root cause above\. Failed core proc\(s\): \{\}$/,
    shown: /\(Worker pid=\d+\) ERROR .*SafetensorError: Error while deserializing header: incomplete metadata, file not fully covered/,
  },
}

describe('a start', { concurrency: 4 }, () => {
  it('goes through the phases of vLLM, in its order and on its streams', async () => {
    await using model = await directory(modelFiles())
    await using engine = await start(model.path, ['--max-model-len', '1024'])
    await ready(engine)
    // A pipe may bring it after a probe has been answered.
    await eventually('both streams tell of the end of the start', () => {
      return positions(engine.stdout(), markers).at(-1) !== -1 && engine.stderr().includes('startup complete')
    })
    const found = positions(engine.stdout(), markers)
    assert.ok(
      found.every((position) => position !== -1),
      `${found}\n${engine.stdout()}`,
    )
    assert.deepEqual(
      found,
      found.toSorted((a, b) => a - b),
    )
    assert.match(
      engine.stderr(),
      /^\rLoading safetensors checkpoint shards: {3}0% Completed \| 0\/2 .*\n\r.* 50% Completed \| 1\/2 .*\n\r.* 100% Completed \| 2\/2 /,
    )
    assert.match(engine.stderr(), /INFO: {5}Application startup complete\.\n/)
    assert.ok(engine.stdout().startsWith('(APIServer pid='))
  })
  it('neither compiles nor captures when told to be eager', async () => {
    await using model = await directory(modelFiles())
    await using engine = await start(model.path, ['--enforce-eager'])
    await ready(engine)
    assert.doesNotMatch(engine.stdout(), /torch\.compile took|Graph capturing/)
  })
  it('listens to nobody before it is ready', async () => {
    await using model = await directory(modelFiles())
    await using engine = await start(model.path, [], { AIM_SIMULATOR_FAULT: 'never-ready' })
    await eventually('everything is loaded', () => engine.stdout().includes('Supported tasks'))
    assert.equal(await status(engine, '/health'), undefined)
  })
  for (const [what, { files, words = [], last, shown = /Traceback/ }] of Object.entries(failing))
    it(`fails with exit code 1 and vLLM's last line ${what}`, async () => {
      await using model = await directory(files)
      await using engine = await start(model.path, words)
      const end = await outcome(engine)
      assert.equal(end.code, 1)
      assert.match(end.last, last)
      assert.match(engine.stdout() + engine.stderr(), shown)
    })
  it('finds a port that is taken before it looks at the model', async () => {
    await using model = await directory({})
    const server = createServer()
    await new Promise<void>((resolve) => server.listen(0, '0.0.0.0', resolve))
    const address = server.address()
    const port = typeof address === 'object' && address !== null ? address.port : 0
    await using engine = await start(model.path, ['--port', String(port)])
    assert.deepEqual(await outcome(engine), { code: 1, last: 'OSError: [Errno 98] Address already in use' })
    server.close()
  })
  it('ends with 2 and the usage on standard error for an unknown argument', async () => {
    await using engine = await start('m', ['--no-such-flag', '1'])
    assert.deepEqual(await outcome(engine), { code: 2, last: 'vllm: error: unrecognized arguments: --no-such-flag 1' })
    assert.match(engine.stderr(), /^usage: vllm serve/)
  })
  it('ends with 2 for a variable that does not fit', async () => {
    await using engine = await start('m', [], { AIM_SIMULATOR_FAULT: 'nope' })
    const end = await outcome(engine)
    assert.equal(end.code, 2)
    assert.match(end.last, /AIM_SIMULATOR_FAULT: 'nope' is no fault/)
  })
  it('goes on without weights, and says so', async () => {
    await using model = await directory({ 'config.json': modelFiles()['config.json'] ?? '' })
    await using engine = await start(model.path)
    await ready(engine)
    assert.match(engine.stdout(), /WARNING .*going on without weights/)
  })
})
