import assert from 'node:assert/strict'
import { chmod, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { buildModel } from '../hub/model.ts'
import { get } from '../stage/aim.ts'
import { stream } from '../stage/chat.ts'
import { buildImage, type ContainerOptions, docker, image, runToEnd, startContainer } from '../stage/docker.ts'
import { type Stage, setStage } from '../stage/model.ts'
import { until } from '../stage/until.ts'

/** Zombies in a container's PID namespace. */
const zombies = "ps -eo stat= | grep -c '^Z' || true"

describe('the image, in real containers', () => {
  let stage: Stage
  before(async () => {
    await buildImage()
    stage = await setStage({ megabytes: 4, shards: 2 })
    await buildModel(join(stage.directory, 'plain'), { megabytes: 2, shards: 1 })
    await chmod(stage.directory, 0o755)
  })
  after(() => stage[Symbol.asyncDispose]())

  const simulator = { AIM_ENGINE: 'simulator', AIM_SIMULATOR_SPEED: '40', AIM_RESTART_BACKOFF: '10ms' }
  const start = ({ environment = {}, ...rest }: ContainerOptions = {}) =>
    startContainer({ environment: { ...simulator, HF_ENDPOINT: stage.hub.url, AIM_MODEL_ID: stage.repo, ...environment }, ...rest })

  test('PID 1 is node; it is healthy for Docker only when it is ready; every subcommand answers inside', async () => {
    await using aim = await start()
    assert.match(await aim.exec('readlink', '/proc/1/exe'), /\/node$/)
    const health = (): Promise<string> => docker('inspect', '-f', '{{.State.Health.Status}}', aim.id)
    assert.equal(await health(), 'starting')
    await aim.until('ready')
    assert.match((await get(`http://127.0.0.1:${aim.port}/metrics`)).body, /^vllm:generation_tokens_total\{[^}]*\} [1-9]/m)
    await until('healthy', async () => ((await health()) === 'healthy' ? true : undefined))
    assert.match(await aim.exec('aim', 'status'), /^state +ready/)
    assert.equal(JSON.parse(await aim.exec('aim', 'healthcheck', '--format', 'json')).ready, true)
  })

  test('docker stop finishes an open stream, then exits 0', async () => {
    await using aim = await start()
    await aim.until('ready')
    let stopped: Promise<string> | undefined
    const streamed = await stream(`http://127.0.0.1:${aim.port}`, stage.repo, 200, () => {
      stopped = docker('stop', '-t', '60', aim.id)
    })
    assert.deepEqual([streamed.tokens, streamed.done], [200, true])
    await stopped
    assert.equal(await aim.wait(), 0)
  })

  test('200 adopted orphans leave no zombie', async () => {
    await using aim = await start()
    await aim.until('ready')
    await aim.exec('bash', '-c', 'for i in $(seq 200); do (sleep 0.05 &) ; done')
    await until('all reaped', async () => {
      const body = (await get(`${aim.ops}/metrics`)).body
      return Number(/^aim_reaped_processes_total (\d+)/m.exec(body)?.[1]) >= 200 ? true : undefined
    })
    assert.equal((await aim.exec('bash', '-c', zombies)).trim(), '0')
  })

  test('any other command is run as it is, as PID 1', async () => {
    assert.deepEqual(await runToEnd([image, 'bash', '-c', 'echo $$']), { code: 0, output: '1' })
    assert.deepEqual(await runToEnd([image, 'bash', '-c', 'exit 7']), { code: 7, output: '' })
    assert.match((await runToEnd([image, 'version'])).output, /^aim \d/)
    assert.equal((await runToEnd([image, '--no-such-flag'])).code, 2)
  })

  test('uid 65532 without a passwd entry, a read-only root and one tmpfs are enough', async () => {
    await using aim = await start({
      words: ['--user', '65532:65532', '--read-only', '--tmpfs', '/tmp:exec'],
      environment: { AIM_CACHE_PATH: '/tmp/cache' },
    })
    await aim.until('ready')
    const environment = await aim.exec('bash', '-c', 'tr "\\0" "\\n" < /proc/$(pgrep -o -f "simulator serve")/environ')
    assert.match(environment, /^HOME=\/tmp\/aim-home-65532$/m)
    assert.match(environment, /^USER=aim$/m)
    await docker('stop', '-t', '30', aim.id)
    assert.equal(await aim.wait(), 0)
  })

  test('the baked compile cache serves a uid that it was not baked by', async () => {
    const { output } = await runToEnd([
      '--user',
      '65532',
      '--read-only',
      '--tmpfs',
      '/tmp',
      '-e',
      'NODE_DEBUG_NATIVE=COMPILE_CACHE',
      image,
      'version',
    ])
    assert.match(output, /was accepted|accepted/)
    assert.doesNotMatch(output, /writing cache for .*\/(?:serve|program)-/)
  })

  const signals: readonly [signal: string, claim: string, check: (text: string, code: number | undefined) => void][] = [
    ['TERM', 'stops it with 0', (_, code) => assert.equal(code, 0)],
    ['INT', 'stops it with 0', (_, code) => assert.equal(code, 0)],
    ['HUP', 'is told to mean nothing', (text, code) => assert.ok(code === undefined && /SIGHUP means nothing here/.test(text))],
    ['USR2', 'is told to mean nothing', (text, code) => assert.ok(code === undefined && /SIGUSR2 means nothing here/.test(text))],
    ['USR1', 'writes the status to the log', (text, code) => assert.ok(code === undefined && /info +status state=ready/.test(text))],
  ]
  for (const [signal, claim, check] of signals) {
    test(`docker kill -s ${signal} ${claim}`, async () => {
      await using aim = await start()
      await aim.until('ready')
      const before = await aim.logs()
      await docker('kill', '-s', signal, aim.id)
      if (['HUP', 'USR1', 'USR2'].includes(signal)) {
        const said = await until('a line', async () => {
          const more = (await aim.logs()).slice(before.length)
          return /SIGHUP|SIGUSR2|status/.test(more) ? more : undefined
        })
        assert.equal((await aim.status()).state, 'ready')
        check(said, undefined)
      } else
        check(
          await aim.wait().then(async (code) => `${await aim.logs()}\n${code}`),
          Number(await docker('inspect', '-f', '{{.State.ExitCode}}', aim.id)),
        )
    })
  }

  test('docker kill -s QUIT stops it at once with 0, without waiting for a running request', async () => {
    await using aim = await start({ environment: { AIM_SIMULATOR_TOKEN_MS: '1000', AIM_DRAIN_TIMEOUT: '600s' } })
    await aim.until('ready')
    let killed: Promise<string> | undefined
    const streamed = await stream(`http://127.0.0.1:${aim.port}`, stage.repo, 500, () => {
      killed = docker('kill', '-s', 'QUIT', aim.id)
    })
    await killed
    assert.equal(await aim.wait(), 0)
    assert.ok(streamed.chunks < 100, `${streamed.chunks} of 500 tokens came`)
    assert.match(await aim.logs(), /draining -> stopping/)
  })

  test('an engine whose server answers but gives no token is never ready, nor healthy for Docker', async () => {
    await using aim = await start({ environment: { AIM_SIMULATOR_FAULT: 'hang=0' } })
    await aim.until('warming')
    await until('a request that waits for its token', async () =>
      JSON.parse((await get(`http://127.0.0.1:${aim.port}/load`)).body).server_load > 0 ? true : undefined,
    )
    assert.equal((await get(`http://127.0.0.1:${aim.port}/health`)).status, 200)
    assert.deepEqual([(await get(`${aim.ops}/readyz`)).status, (await get(`${aim.ops}/startupz`)).status], [503, 503])
    assert.equal(await docker('inspect', '-f', '{{.State.Health.Status}}', aim.id), 'starting')
    await docker('kill', aim.id)
  })

  test('with AIM_RESTART=never every exit code of the engine comes out as it is, and a 0 that nobody asked for as 1', async () => {
    const engine = join(stage.directory, 'engine')
    await writeFile(engine, '#!/bin/sh\nexit "$CODE"\n', { mode: 0o755 })
    const words = ['--network', 'none', '-v', `${stage.directory}:${stage.directory}:ro`]
    const environment = { ...simulator, AIM_RESTART: 'never', AIM_ENGINE_COMMAND: engine, AIM_MODEL_ID: join(stage.directory, 'plain') }
    const codes = Array.from({ length: 256 }, (_, code) => code)
    const wrong: string[] = []
    const next = async (): Promise<void> => {
      for (let code = codes.pop(); code !== undefined; code = codes.pop()) {
        const variables = Object.entries({ ...environment, CODE: String(code) }).flatMap(([name, value]) => ['-e', `${name}=${value}`])
        const { code: seen } = await runToEnd([...words, ...variables, image])
        if (seen !== (code || 1)) wrong.push(`${code} came out as ${seen}`)
      }
    }
    await Promise.all(Array.from({ length: 4 }, next))
    assert.deepEqual(wrong, [])
  })
})
