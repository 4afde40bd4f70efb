import assert from 'node:assert/strict'
import { chmod, mkdir, mkdtemp, readdir, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { ensureRealEngine, type RealEngine } from '../engines/install.ts'
import { get } from '../stage/aim.ts'
import { chat, stream } from '../stage/chat.ts'
import { buildImage, type Container, docker, startContainer } from '../stage/docker.ts'
import { type Stage, setStage } from '../stage/model.ts'
import { until } from '../stage/until.ts'

/** What stays in /tmp because it is kept there for the next start: the model cache, the home without a passwd entry, the link to the baked code, what the engine compiled. */
const ours = /^(?:cache|aim-home-\d+|aim-compile-cache-\d+|aim-compiled-\d+)$/

/** A start of the real vLLM on two busy cores; milliseconds. */
const startMs = 300_000

describe('the container line on the real vLLM', () => {
  let stage: Stage
  let engine: RealEngine
  before(async () => {
    await buildImage()
    engine = await ensureRealEngine()
    stage = await setStage({ model: engine.model })
    await chmod(stage.directory, 0o755)
  })
  after(() => stage[Symbol.asyncDispose]())

  /** A container whose only writable places lie on the host, in memory, and can be looked into when it is gone. */
  type Inspected = Container & { readonly left: () => Promise<readonly string[]> }

  /** The venv is mounted beside its own path, which a uid other than root cannot reach when it lies in root's home. */
  const start = async (environment: Readonly<Record<string, string>> = {}, words: readonly string[] = []): Promise<Inspected> => {
    const places = await mkdtemp('/dev/shm/aim-real-engine-')
    for (const name of ['tmp', 'shm']) {
      await mkdir(join(places, name))
      await chmod(join(places, name), 0o1777)
    }
    await chmod(places, 0o755)
    const container = await startContainer({
      words: [
        ...words,
        '-v',
        `${places}/tmp:/tmp`,
        '-v',
        `${places}/shm:/dev/shm`,
        '-v',
        `${engine.venv}:/opt/vllm:ro`,
        '--user',
        '65532:65532',
        '--read-only',
        '--cap-drop',
        'ALL',
      ],
      environment: {
        HF_ENDPOINT: stage.hub.url,
        AIM_MODEL_ID: stage.repo,
        AIM_CACHE_PATH: '/tmp/cache',
        AIM_GPU_COUNT: '0',
        AIM_ENGINE_COMMAND: '/usr/bin/python3 /opt/vllm/bin/vllm',
        PYTHONPATH: '/opt/vllm/lib/python3.11/site-packages',
        AIM_MAX_MODEL_LEN: '1024',
        AIM_ENGINE_ARGS: '{"enforce-eager": true}',
        AIM_RESTART_BACKOFF: '10ms',
        VLLM_CPU_KVCACHE_SPACE: '1',
        ...environment,
      },
    })
    return {
      ...container,
      left: async () => [
        ...(await readdir(join(places, 'shm'))),
        ...(await readdir(join(places, 'tmp'))).filter((name) => !ours.test(name)),
      ],
      [Symbol.asyncDispose]: async () => {
        await container[Symbol.asyncDispose]()
        await rm(places, { recursive: true, force: true })
      },
    }
  }
  const processes = async (aim: Container): Promise<readonly string[]> =>
    (await aim.exec('ps', '-eo', 'pid=,stat=,comm='))
      .split('\n')
      .map((line) => line.trim())
      .filter((line) => !/ (?:ps|bash)$/.test(line))
  const core = async (aim: Container): Promise<string> =>
    (await processes(aim)).find((line) => line.includes('VLLM::EngineCor'))?.split(' ')[0] ?? ''

  test('is ready after a token, chats, survives the death of its core, finishes a stream of 300 tokens through docker stop, and leaves nothing', async () => {
    await using aim = await start()
    assert.equal((await until('a probe', () => get(`${aim.ops}/livez`))).status, 200)
    const first = await aim.until('ready', startMs)
    const base = `http://127.0.0.1:${aim.port}`
    assert.match((await get(`${base}/metrics`)).body, /^vllm:generation_tokens_total\{[^}]*\} [1-9]/m, 'ready before a token came out')
    for (const phase of ['pull', 'spawn', 'config', 'engine', 'weights', 'kv-cache', 'http', 'warm-up']) {
      assert.ok(
        first.phases.some(({ name }) => name === phase),
        `phase ${phase} was not seen: ${first.phases.map(({ name }) => name)}`,
      )
    }
    assert.deepEqual(await chat(base, stage.repo), { status: 200, tokens: 5 })

    await aim.exec('kill', '-KILL', await core(aim))
    const live: number[] = []
    const again = await until(
      'a second ready',
      async () => {
        live.push((await get(`${aim.ops}/livez`)).status)
        const now = await aim.status()
        return now.restarts === 1 && now.ready ? now : undefined
      },
      startMs,
    )
    assert.notEqual(again.engine.pid, first.engine.pid)
    assert.deepEqual([...new Set(live)], [200])
    assert.match(await aim.logs(), /aim [\d:]+ error +.*engine core died/i)
    assert.equal((await processes(aim)).filter((line) => / Z/.test(line)).length, 0)
    assert.equal((await chat(base, stage.repo)).status, 200)

    let stopped: Promise<string> | undefined
    const streamed = await stream(base, stage.repo, 300, () => {
      stopped = docker('stop', '-t', '100', aim.id)
    })
    assert.deepEqual([streamed.tokens, streamed.done, streamed.error], [300, true, undefined])
    await stopped
    assert.equal(await aim.wait(), 0)
    assert.match(await aim.logs(), /reclaiming -> terminated/)
    assert.deepEqual(await aim.left(), [])
  })

  const failures: readonly [
    claim: string,
    environment: () => Readonly<Record<string, string>>,
    exit: number,
    cause: string,
    says: RegExp,
  ][] = [
    [
      'arguments that do not go together',
      () => ({ AIM_ENGINE_EXTRA_ARGS: '--max-num-seqs 64 --max-num-batched-tokens 32' }),
      78,
      'batched-tokens-too-small',
      /32.*64[\s\S]*fix: .*max-num-batched-tokens/,
    ],
    [
      'a port that is taken',
      () => ({ AIM_PORT: new URL(stage.hub.url).port, AIM_RESTART_INTENSITY: '0' }),
      75,
      'port-busy',
      /port is taken[\s\S]*fix: set AIM_PORT/,
    ],
  ]
  for (const [claim, environment, exit, cause, says] of failures)
    test(`${claim}: never ready, its cause and its fix are the last words, and the exit code is that of the cause`, async () => {
      await using aim = await start(environment())
      let over = false
      const ended = aim.wait().finally(() => {
        over = true
      })
      const answers = new Set<number>()
      await until(
        'the end',
        async () => {
          const ready = await get(`${aim.ops}/readyz`).catch(() => undefined)
          if (ready !== undefined) answers.add(ready.status)
          return over || undefined
        },
        startMs,
      )
      assert.deepEqual([...answers], [503])
      assert.equal(await ended, exit)
      const log = await aim.logs()
      assert.match(log, new RegExp(`\\bcause=${cause}\\b`))
      assert.match(log.slice(log.lastIndexOf(`exit code ${exit} (of AIM Engine): `)), says)
    })

  test('a container with less memory than the engine needs is refused before anything is fetched, with the numbers', async () => {
    await using aim = await start({}, ['--memory', '1200m', '--memory-swap', '1200m'])
    assert.equal(await aim.wait(), 69)
    const log = await aim.logs()
    assert.match(
      log,
      /1\.0 GiB of KV cache and 4\.0 GiB for its processes; the container may use 1\.2 GiB\nfix: raise the container memory limit/,
    )
    assert.doesNotMatch(log, /phase pull/)
  })

  test('its files are gone with it: shared memory and temporary files of an engine that was killed', async () => {
    await using aim = await start()
    await aim.until('ready', startMs)
    const listing = async (): Promise<readonly string[]> =>
      (
        await aim.exec(
          'bash',
          '-c',
          'ls -A /dev/shm; ls -A /tmp | grep -v -E "^(cache|aim-home|aim-compile)"; ls -A /tmp/aim-engine-* 2>/dev/null',
        )
      )
        .split('\n')
        .filter(Boolean)
    assert.ok((await listing()).length > 1)
    await aim.exec('bash', '-c', 'kill -KILL $(pgrep -o -f "vllm serve")')
    await until('the old engine gone', async () => ((await aim.status()).restarts === 1 ? true : undefined))
    // Between the spawn and Python's first file there is nothing but the new engine's own empty directory.
    const left = (await listing()).filter((name) => !/^\/tmp\/aim-engine-|^aim-engine-/.test(name))
    assert.deepEqual(left, [])
    await docker('kill', '-s', 'QUIT', aim.id)
    assert.equal(await aim.wait(), 0)
    assert.deepEqual(await aim.left(), [])
  })

  test('a container that is killed leaves nothing to the one after it, though /tmp and /dev/shm outlive it as in a pod', async (t) => {
    await using aim = await start()
    await aim.until('ready', startMs)
    await docker('kill', '-s', 'KILL', aim.id)
    assert.equal(await aim.wait(), 137)
    const old = await aim.left()
    for (const kind of [/^\.aim-engine-/, /^(?:psm_|sem\.)/, /^aim-engine-/])
      assert.ok(
        old.some((name) => kind.test(name)),
        `${kind}: ${old}`,
      )
    await docker('start', aim.id)
    await aim.until('ready', startMs)
    const now = await aim.left()
    assert.deepEqual(
      old.filter((name) => now.includes(name)),
      [],
    )
    const said = /removed what was left of an engine that was killed together with its supervisor.*/.exec(await aim.logs())?.[0] ?? ''
    t.diagnostic(said)
    assert.match(said, /sharedMemory\S* ?\d.*temporaryDirectories\S* ?1/)
    await docker('kill', '-s', 'QUIT', aim.id)
    assert.equal(await aim.wait(), 0)
    assert.deepEqual(await aim.left(), [])
  })
})
