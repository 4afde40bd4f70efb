import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { existsSync, mkdtempSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { locate } from '../../src/cache/locate.ts'
import { processTable } from '../../src/supervisor/proc.ts'
import { type Aim, type AimOptions, aimCommand, bareEnvironment, get, startAim } from '../stage/aim.ts'
import { chat, stream } from '../stage/chat.ts'
import { partFiles, processesWith } from '../stage/left.ts'
import { type Stage, setStage } from '../stage/model.ts'
import { until } from '../stage/until.ts'

const simulator = { AIM_ENGINE: 'simulator', AIM_SIMULATOR_SPEED: '40', AIM_RESTART_BACKOFF: '10ms', AIM_HOST: '127.0.0.1' }

describe('aim serve, the whole line on the simulator', () => {
  let stage: Stage
  let serial = 0
  before(async () => {
    stage = await setStage({ megabytes: 4, shards: 2 })
  })
  after(() => stage[Symbol.asyncDispose]())

  /** Starts aim on the stage; every process of it carries AIM_SIMULATOR_-free marker HF_XET_CACHE, which reaches engine and workers. */
  const start = async (
    environment: Record<string, string> = {},
    words?: readonly string[],
    command: AimOptions['command'] = aimCommand,
  ): Promise<Aim & { readonly left: () => readonly string[] }> => {
    const marker = `${stage.directory}/run-${serial++}`
    const aim = await startAim({
      environment: {
        ...simulator,
        HF_ENDPOINT: stage.hub.url,
        AIM_CACHE_PATH: stage.cache,
        AIM_MODEL_ID: stage.repo,
        HF_XET_CACHE: marker,
        ...environment,
      },
      command,
      ...(words === undefined ? {} : { words }),
    })
    return { ...aim, left: () => processesWith('HF_XET_CACHE', marker) }
  }
  const stop = async (aim: Aim): Promise<number | string> => {
    aim.child.kill('SIGTERM')
    return aim.exited
  }
  const api = (aim: Aim): string => `http://127.0.0.1:${aim.port}`

  test('arguments that the engine would refuse end with 78 before a hub is asked, all of them named', async () => {
    await using aim = await start({ HF_ENDPOINT: 'http://127.0.0.1:9', AIM_ENGINE_ARGS: '{"port": "x"}' }, [
      'serve',
      '--',
      '--gpu-memm',
      '1',
    ])
    assert.equal(await aim.exited, 78)
    assert.match(aim.output(), /AIM_ENGINE_ARGS: --port must be a whole number.*extra arguments: --gpu-memm .*did you mean --gpu-memory/s)
  })

  test('pulls, starts, answers, is ready, and leaves nothing when it is stopped', async () => {
    const before = performance.now()
    await using aim = await start()
    assert.deepEqual(await until('probes', () => Promise.all(['/startupz', '/livez', '/readyz'].map(aim.probe))), [503, 200, 503])
    const status = await aim.until('ready')
    assert.deepEqual(await Promise.all(['/startupz', '/livez', '/readyz'].map(aim.probe)), [200, 200, 200])
    for (const phase of ['detect', 'plan', 'pull', 'spawn', 'weights', 'warm-up'])
      assert.ok(
        status.phases.some(({ name }) => name === phase),
        phase,
      )
    assert.equal(status.phases.find(({ name }) => name === 'pull')?.unit, 'bytes')
    const metrics = (await get(`${api(aim)}/metrics`)).body
    assert.match(metrics, /^vllm:generation_tokens_total\{[^}]*\} [1-9]/m, 'ready before a token came out')
    assert.equal((await chat(api(aim), stage.repo)).status, 200)
    const ours = (await get(`http://127.0.0.1:${aim.opsPort}/metrics`)).body
    assert.match(ours, /^aim_ready 1$/m)
    const readySeconds = Number(/^aim_startup_seconds (\S+)$/m.exec(ours)?.[1])
    const age = performance.now() - before
    assert.ok(readySeconds > 0 && readySeconds * 1000 < age, `ready ${readySeconds}s after a start that is ${age}ms old`)
    assert.ok((status.phases.at(-1)?.endMs ?? Number.NaN) < age, 'phases are told since our own start')
    assert.equal(await stop(aim), 0)
    assert.deepEqual(aim.left(), [])
    assert.deepEqual(partFiles(stage.cache), [])
    const snapshot = locate(join(stage.cache, 'hub'), stage.repo, 'main')
    assert.deepEqual([snapshot?.commit, snapshot?.missing], [stage.hub.commit(stage.repo), []])
  })

  test('starts again from the cache alone, without one request', async () => {
    const before = stage.hub.requests.length
    await using aim = await start({ HF_HUB_OFFLINE: '1', HF_ENDPOINT: 'http://127.0.0.1:9' })
    await aim.until('ready')
    assert.equal(await stop(aim), 0)
    assert.equal(stage.hub.requests.length, before)
  })

  test('finishes an open stream before it stops, and takes readiness off first', async () => {
    await using aim = await start()
    await aim.until('ready')
    const streamed = stream(api(aim), stage.repo, 150, () => aim.child.kill('SIGTERM'))
    assert.equal((await aim.until('draining')).ready, false)
    assert.equal(await aim.probe('/readyz'), 503)
    assert.deepEqual(await streamed, { status: 200, chunks: (await streamed).chunks, done: true, tokens: 150, error: undefined })
    assert.equal(await aim.exited, 0)
  })

  test('AIM_OPS_PORT=0: status and the health check find the port, and nothing of it stays', async () => {
    const temporary = mkdtempSync(join(stage.directory, 'tmp-'))
    await using aim = await start({ AIM_OPS_PORT: '0', TMPDIR: temporary })
    const [file, ...rest] = aimCommand
    const ask = (word: string): number | null =>
      spawnSync(file, [...rest, word], { env: { ...bareEnvironment(), AIM_OPS_PORT: '0', TMPDIR: temporary } }).status
    await until('a healthy engine', async () => ask('healthcheck') === 0 || undefined)
    assert.equal(ask('status'), 0)
    assert.equal(await stop(aim), 0)
    assert.deepEqual(
      readdirSync(temporary).filter((name) => name.startsWith('aim-ops')),
      [],
    )
  })

  test('a second signal cuts what is still running', async () => {
    await using aim = await start({ AIM_SIMULATOR_TOKEN_MS: '50' })
    await aim.until('ready')
    const streamed = stream(api(aim), stage.repo, 2000, () => aim.child.kill('SIGTERM'))
    await aim.until('draining')
    aim.child.kill('SIGTERM')
    assert.notEqual((await streamed).tokens, 2000)
    assert.equal(await aim.exited, 0)
    assert.deepEqual(aim.left(), [])
  })

  test('SIGQUIT to an engine that loads asks it by TERM, once, and kills nothing', async () => {
    await using aim = await start({ AIM_SIMULATOR_SPEED: '8' })
    await until('a load', async () => (await aim.status()).phases.some(({ name }) => name === 'engine') || undefined)
    assert.equal((await aim.status()).state, 'starting')
    aim.child.kill('SIGQUIT')
    assert.equal(await aim.exited, 0)
    assert.match(aim.output(), /starting -> stopping/)
    // As vLLM ends by itself that is told to while it loads.
    assert.match(aim.output(), /the engine was ended by SIGINT/)
    assert.doesNotMatch(aim.output(), /SIGKILL|stopping -> stopping/)
    assert.deepEqual(aim.left(), [])
  })

  test('without settings a stop fits into the 10 s of a plain docker stop, and the log says what gives more', async () => {
    await using aim = await start({ AIM_SIMULATOR_TOKEN_MS: '400' })
    await aim.until('ready')
    const streamed = stream(api(aim), stage.repo, 2000, () => aim.child.kill('SIGTERM'))
    await aim.until('draining')
    assert.match(aim.output(), /asked to stop within=10\.0s requests=4\.5s .*AIM_GRACE_PERIOD.*--stop-timeout/)
    assert.equal(await aim.exited, 0)
    assert.notEqual((await streamed).tokens, 2000)
    assert.deepEqual(aim.left(), [])
  })

  test('names a dead engine core, starts the engine again and is ready again; live all the time', async () => {
    await using aim = await start()
    const { engine } = await aim.until('ready')
    const core = processTable().find(({ parent, name }) => parent === engine.pid && name.startsWith('VLLM::Engine'))
    assert.ok(core)
    process.kill(core.pid, 'SIGKILL')
    const live: number[] = []
    const again = await until('a second ready', async () => {
      live.push(await aim.probe('/livez'))
      const now = await aim.status()
      return now.restarts === 1 && now.ready ? now : undefined
    })
    assert.notEqual(again.engine.pid, engine.pid)
    assert.deepEqual([...new Set(live)], [200])
    assert.match(aim.output(), /error {3}.*engine/)
    assert.equal(again.failure?.cause, 'engine-core-died')
    assert.ok(again.failure?.fix && again.failure.evidence.length > 0)
    assert.match((await get(`http://127.0.0.1:${aim.opsPort}/metrics`)).body, /^aim_engine_failures_total\{cause="engine-core-died"\} 1$/m)
    assert.equal(await stop(aim), 0)
    assert.deepEqual(aim.left(), [])
  })

  test('sweeps workers that went into sessions of their own', async () => {
    await using aim = await start({ AIM_SIMULATOR_FAULT: 'setsid-workers' })
    const { engine } = await aim.until('ready')
    process.kill(engine.pid ?? 0, 'SIGKILL')
    await until('a restart', async () => ((await aim.status()).restarts === 1 ? true : undefined))
    await aim.until('ready')
    assert.equal(
      processTable().filter(({ name, pid }) => name.startsWith('VLLM::Worker') && aim.left().includes(`${pid} ${name}`)).length,
      1,
    )
    assert.equal(await stop(aim), 0)
    assert.deepEqual(aim.left(), [])
  })

  test('a pull shows its log while it lasts; stopped in the middle of it no part file and no process is left', async () => {
    await using slow = await setStage({ megabytes: 24, shards: 1 })
    slow.hub.faults.push({ kind: 'drip', at: 'cdn', bytesPerSecond: 200_000 })
    const marker = `${slow.directory}/run`
    await using aim = await startAim({
      environment: { ...simulator, HF_ENDPOINT: slow.hub.url, AIM_CACHE_PATH: slow.cache, AIM_MODEL_ID: slow.repo, HF_XET_CACHE: marker },
    })
    await until('bytes', async () => ((await aim.status()).phases.find(({ name }) => name === 'pull')?.done ? true : undefined))
    await until('its log', () => /idle -> pulling/.test(aim.output()) || undefined)
    assert.equal((await aim.status()).state, 'pulling')
    assert.equal(await stop(aim), 0)
    assert.deepEqual(partFiles(slow.cache), [])
    assert.deepEqual(processesWith('HF_XET_CACHE', marker), [])
  })

  test('serves on when the reader of its output has left, counts what is lost, and gives the engine no variable of ours, of Node or of the hub', async () => {
    const shell = ['/bin/sh', '-c', '"$@" 2>&1 | head -n 1; wait', 'sh', ...aimCommand] as const
    const secrets = { HF_TOKEN: '', NODE_EXTRA_CA_CERTS: '/dev/null', NODE_NO_WARNINGS: '1' }
    await using aim = await start({ AIM_SIMULATOR_FAULT: 'flood-log=5000', ...secrets }, [], shell)
    const { engine } = await aim.until('ready')
    await until('lines are lost', async () =>
      /^aim_dropped_log_lines_total [1-9]/m.test((await get(`http://127.0.0.1:${aim.opsPort}/metrics`)).body) ? true : undefined,
    )
    assert.equal(await aim.probe('/readyz'), 200)
    const variables = readFileSync(`/proc/${engine.pid}/environ`, 'utf8').split('\0')
    assert.deepEqual(
      variables.filter((variable) => /^(?:NODE_|AIM_(?!SIMULATOR)|HF_TOKEN)/.test(variable)),
      [],
    )
    process.kill(processTable().find(({ pid }) => pid === engine.pid)?.parent ?? 0, 'SIGTERM')
    await aim.exited
    assert.deepEqual(aim.left(), [])
  })

  test('asks with the key that the engine wants, and never shows it', async () => {
    await using aim = await start({ VLLM_API_KEY: 's3cret-key' })
    await aim.until('ready')
    assert.equal((await chat(api(aim), stage.repo)).status, 401)
    assert.equal(await stop(aim), 0)
    assert.doesNotMatch(aim.output(), /s3cret-key/)
  })

  test('a Service named aim, aim-engine or vllm in the namespace breaks nothing', async () => {
    const links = Object.fromEntries(
      ['AIM', 'AIM_ENGINE', 'AIM_OPS', 'VLLM'].flatMap((prefix) => [
        [`${prefix}_SERVICE_HOST`, '10.96.0.1'],
        [`${prefix}_SERVICE_PORT`, '8000'],
        [`${prefix}_PORT_8000_TCP`, 'tcp://10.96.0.1:8000'],
        [`${prefix}_PORT_8000_TCP_ADDR`, '10.96.0.1'],
        ...(prefix === 'AIM' || prefix === 'AIM_OPS' ? [] : [[`${prefix}_PORT`, 'tcp://10.96.0.1:8000']]),
      ]),
    )
    await using aim = await start(links)
    await aim.until('ready')
    assert.doesNotMatch(aim.output(), /warning/)
    assert.equal(await stop(aim), 0)
  })

  test('a busy ops port ends it with 75 and names the port', async () => {
    const server = createServer().listen(0)
    const { port } = server.address() as { port: number }
    await using aim = await start({ AIM_OPS_PORT: String(port) })
    assert.equal(await aim.exited, 75)
    assert.match(aim.output(), new RegExp(`port ${port}.*AIM_OPS_PORT`, 's'))
    server.close()
  })

  test('an engine that is not there ends it with 127 and says how to name one', async () => {
    await using aim = await start({ AIM_ENGINE: 'vllm', AIM_GPU_COUNT: '0', AIM_ENGINE_COMMAND: '/no/such/vllm' })
    assert.equal(await aim.exited, 127)
    assert.match(aim.output(), /exit code 127 \(of AIM Engine\): cannot start the engine: \/no\/such\/vllm.*AIM_ENGINE_COMMAND/s)
  })

  test('under AIM_LOG_FORMAT=json the output of a start that fails is documents from the first line to its last words', async () => {
    const engine = { AIM_ENGINE: 'vllm', AIM_GPU_COUNT: '0', AIM_ENGINE_COMMAND: '/no/such/vllm' }
    await using aim = await start({ ...engine, AIM_LOG_FORMAT: 'json' })
    assert.equal(await aim.exited, 127)
    const lines = aim
      .output()
      .split('\n')
      .filter((line) => line !== '')
    const { level, exitCode, msg } = lines.map((line) => JSON.parse(line)).at(-1)
    assert.deepEqual([level, exitCode], ['critical', 127])
    assert.match(msg, /cannot start the engine: \/no\/such\/vllm/)
  })

  test('the last words name the cause, whose code it is and the fix, on stderr and in the termination log', async () => {
    const path = join(stage.directory, 'termination-log')
    await using aim = await start({ AIM_ENGINE_EXTRA_ARGS: '--no-such-flag 1', AIM_STRICT: 'false', AIM_TERMINATION_LOG: path })
    assert.equal(await aim.exited, 78)
    const { readFileSync } = await import('node:fs')
    const words = readFileSync(path, 'utf8')
    assert.match(words, /^exit code 78 \(of AIM Engine\): .*unrecognized arguments: --no-such-flag.*\nfix: .*AIM_ENGINE_EXTRA_ARGS/)
    assert.ok(Buffer.byteLength(words) <= 4096)
    assert.ok(aim.output().trimEnd().endsWith(words.trimEnd()))
  })

  const shards = JSON.stringify({ weight_map: { a: 'model-1.safetensors', b: 'model-2.safetensors' } })
  const torn: readonly [lacks: string, files: Readonly<Record<string, string>>][] = [
    ['model-2.safetensors', { 'model.safetensors.index.json': shards, 'model-1.safetensors': 'x' }],
    ['*.safetensors', {}],
  ]
  for (const [lacks, files] of torn)
    test(`a directory that lacks ${lacks} ends it with 78 and that name, and is no bug of ours`, async () => {
      const model = mkdtempSync(join(stage.directory, 'torn-'))
      const config = { architectures: ['LlamaForCausalLM'], hidden_size: 8, num_attention_heads: 2, num_hidden_layers: 1 }
      writeFileSync(join(model, 'config.json'), JSON.stringify(config))
      for (const [name, text] of Object.entries(files)) writeFileSync(join(model, name), text)
      await using aim = await start({ AIM_ENGINE: 'vllm', AIM_GPU_COUNT: '0', AIM_ENGINE_COMMAND: '/bin/true', AIM_MODEL_ID: model })
      assert.equal(await aim.exited, 78, aim.output())
      assert.ok(aim.output().includes(`exit code 78 (of AIM Engine): cannot serve ${model}: it lacks ${lacks}\nfix: `), aim.output())
      assert.doesNotMatch(aim.output(), /bug of ours|engine started/)
    })

  for (const [state, speed] of [
    ['ready', '40'],
    ['starting', '1'],
  ] as const)
    test(`a bug of ours while it is ${state} ends it with 70, leaves no engine and starts no other one`, async () => {
      const [flag, bug] = [join(stage.directory, `flag-${serial}`), join(stage.directory, `bug-${serial}.cjs`)]
      writeFileSync(
        bug,
        `const timer = setInterval(() => {
          if (!require('node:fs').existsSync(${JSON.stringify(flag)})) return
          clearInterval(timer)
          throw new Error('boom')
        }, 10).unref()`,
      )
      await using aim = await start({ AIM_SIMULATOR_SPEED: speed, NODE_OPTIONS: `--require=${bug}` })
      await aim.until(state)
      writeFileSync(flag, '')
      assert.equal(await aim.exited, 70)
      assert.match(aim.output(), /exit code 70 \(of AIM Engine\): this is a bug of ours: .*boom/)
      assert.equal(aim.output().match(/engine started/g)?.length, 1)
      assert.deepEqual(aim.left(), [])
    })

  const broken: readonly [claim: string, environment: Record<string, string>, problems: readonly string[]][] = [
    ['no model', { AIM_MODEL_ID: '' }, ['AIM_MODEL_ID']],
    [
      'no model, a bad precision and two arguments that the engine does not have',
      { AIM_MODEL_ID: '', AIM_PRECISION: 'fp12', AIM_ENGINE_ARGS: '{"max-modl-len": 5}', AIM_ENGINE_EXTRA_ARGS: '--max-nmu-seqs 3' },
      ['AIM_MODEL_ID must', 'AIM_PRECISION="fp12"', 'AIM_ENGINE_ARGS: .*max-modl-len', 'extra arguments: .*max-nmu-seqs'],
    ],
    [
      'no model and a misspelt flag',
      { AIM_MODEL_ID: '', AIM_ENGINE_EXTRA_ARGS: '--max-nmu-seqs 3' },
      ['AIM_MODEL_ID must', 'extra arguments: .*max-nmu-seqs'],
    ],
    ['two models', { AIM_ID: 'other/model' }, ['AIM_ID']],
    ['a count in words and a port out of range', { AIM_GPU_COUNT: 'two', AIM_PORT: '99999' }, ['AIM_GPU_COUNT', 'AIM_PORT']],
    ['a misspelt name and a bad precision', { AIM_MODLE_ID: 'a/b', AIM_PRECISION: 'fp12' }, ['AIM_MODEL_ID', 'AIM_PRECISION']],
    [
      'broken JSON and an open quote',
      { AIM_ENGINE_ARGS: '{"a":', AIM_ENGINE_EXTRA_ARGS: '--x "y' },
      ['AIM_ENGINE_ARGS', 'AIM_ENGINE_EXTRA_ARGS'],
    ],
    [
      'an unknown engine, metric and GPU',
      { AIM_ENGINE: 'triton', AIM_METRIC: 'cost', AIM_GPU_MODEL: 'H100' },
      ['AIM_ENGINE', 'AIM_METRIC', 'AIM_GPU_MODEL'],
    ],
    ['a secret file that is not there', { HF_TOKEN_FILE: '/no/such/file', AIM_RESTART: 'maybe' }, ['HF_TOKEN_FILE', 'AIM_RESTART']],
    ['times that are none', { AIM_DRAIN_TIMEOUT: 'soon', AIM_STOP_TIMEOUT: '-1' }, ['AIM_DRAIN_TIMEOUT', 'AIM_STOP_TIMEOUT']],
    [
      'a relative cache and an endpoint without a scheme',
      { AIM_CACHE_PATH: 'cache', HF_ENDPOINT: 'hub.local' },
      ['AIM_CACHE_PATH', 'HF_ENDPOINT'],
    ],
    ['one port for two listeners', { AIM_PORT: '8000', AIM_OPS_PORT: '8000' }, ['AIM_OPS_PORT']],
    [
      'bad booleans and levels',
      { AIM_STRICT: 'true', AIM_ALLOW_GENERAL_PROFILE_FALLBACK: 'perhaps', AIM_LOG_LEVEL: 'loud' },
      ['AIM_ALLOW_GENERAL_PROFILE_FALLBACK', 'AIM_LOG_LEVEL'],
    ],
  ]
  for (const [claim, environment, problems] of broken) {
    test(`${claim}: every problem at once, exit 78, nothing spawned, nothing written`, async () => {
      const spawned = join(stage.directory, `spawned-${serial}`)
      const engine = join(stage.directory, `engine-${serial}.sh`)
      const cache = join(stage.directory, `cache-${serial}`)
      writeFileSync(engine, `#!/bin/sh\ntouch ${spawned}\n`, { mode: 0o755 })
      await using aim = await start({ AIM_CACHE_PATH: cache, AIM_ENGINE_COMMAND: engine, ...environment })
      assert.equal(await aim.exited, 78, aim.output())
      for (const name of problems) assert.match(aim.output(), new RegExp(name))
      assert.deepEqual([existsSync(spawned), existsSync(cache)], [false, false])
    })
  }

  for (const code of [0, 1, 3, 77, 126, 255]) {
    test(`under AIM_RESTART=never the engine's ${code} comes out as ${code || 1}`, async () => {
      const engine = join(stage.directory, `exit-${code}.sh`)
      writeFileSync(engine, `#!/bin/sh\nexit ${code}\n`, { mode: 0o755 })
      await using aim = await start({ AIM_RESTART: 'never', AIM_ENGINE_COMMAND: engine })
      assert.equal(await aim.exited, code || 1)
    })
  }
})
