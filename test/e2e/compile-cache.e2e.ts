import assert from 'node:assert/strict'
import { chmodSync, existsSync, mkdirSync, readdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { execa } from 'execa'
import { type Aim, aimCommand, bareEnvironment, startAim } from '../stage/aim.ts'
import { type Stage, setStage } from '../stage/model.ts'
import { until } from '../stage/until.ts'

describe('what an engine compiles, on an engine that compiles one file and is the simulator otherwise', () => {
  let stage: Stage
  let engine: string
  before(async () => {
    stage = await setStage({ megabytes: 1, shards: 1 })
    engine = join(stage.directory, 'engine')
    const graph = '"$VLLM_CACHE_ROOT/torch_compile_cache/0123456789/rank_0_0'
    const compile = `if [ -e ${graph}/graph" ]; then echo found; else mkdir -p ${graph}"; echo code > ${graph}/graph"; echo compiled; fi`
    writeFileSync(
      engine,
      `#!/bin/sh\necho "root $VLLM_CACHE_ROOT, triton $TRITON_CACHE_DIR"\n${compile}\nexec ${aimCommand.join(' ')} simulator "$@"\n`,
    )
    chmodSync(engine, 0o755)
  })
  after(() => stage[Symbol.asyncDispose]())

  /** One container: a temporary directory of its own, the volume shared. */
  const start = (container: string, more: Record<string, string> = {}): Promise<Aim> => {
    mkdirSync(join(stage.directory, container), { recursive: true })
    return startAim({
      environment: {
        ...{ AIM_ENGINE: 'vllm', AIM_ENGINE_COMMAND: engine, AIM_GPU_COUNT: '0', AIM_SIMULATOR_SPEED: '40', AIM_HOST: '127.0.0.1' },
        ...{ HF_ENDPOINT: stage.hub.url, AIM_CACHE_PATH: stage.cache, AIM_MODEL_ID: stage.repo, TMPDIR: join(stage.directory, container) },
        ...more,
      },
    })
  }
  const stop = async (aim: Aim): Promise<void> => {
    aim.child.kill('SIGTERM')
    assert.equal(await aim.exited, 0, aim.output())
  }
  const place = (): string => join(stage.cache, 'aim/compiled')
  const archives = (): readonly string[] =>
    existsSync(place()) ? readdirSync(place(), { recursive: true, encoding: 'utf8' }).filter((name) => name.endsWith('.tar')) : []
  const cache = async (...words: readonly string[]) => {
    const [file, ...rest] = aimCommand
    return execa(file, [...rest, 'cache', ...words], { env: { ...bareEnvironment(), AIM_CACHE_PATH: stage.cache }, extendEnv: false })
  }

  test('the next container finds it, at the same place below its own temporary directory', async () => {
    await using first = await start('one')
    await first.until('ready')
    assert.match(first.output(), /compiled$/m)
    await until('it is kept', () => (/kept for the next start/.test(first.output()) ? true : undefined))
    await stop(first)
    await using second = await start('two')
    await second.until('ready')
    assert.match(second.output(), /compile cache: .* of an earlier start/)
    assert.match(second.output(), /found$/m)
    const [, root = '', triton] = /root (\S+), triton (\S+)/.exec(second.output()) ?? []
    assert.match(root, /\/two\/aim-compiled-\d+\/vllm-0\.32\.0_cpu_\w+-tp1_[\w-]+\/vllm$/)
    assert.equal(triton, root.replace(/vllm$/, 'triton'))
    await stop(second)
    assert.equal(archives().length, 1)
  })

  test('ls shows it, and prune takes it before any model', async () => {
    assert.match((await cache('ls')).stdout, new RegExp(`^${stage.repo} .* compiled by vllm-0\\.32\\.0/cpu/\\w+-tp1$`, 'm'))
    const { cache: _, bytes, compiled } = JSON.parse((await cache('ls', '--format', 'json')).stdout)
    assert.equal(compiled.length, 1)
    assert.match((await cache('prune', '--max-size', String(bytes - 1), '--dry-run')).stdout, /^would remove the compile cache of /m)
    assert.equal(archives().length, 1)
    assert.match((await cache('prune', '--max-size', String(bytes - 1))).stdout, /^removed the compile cache of /m)
    assert.deepEqual(archives(), [])
    assert.match((await cache('ls')).stdout, /whole$/m)
  })

  test('variables that the user set stand, and a size of 0 keeps none', async () => {
    for (const [container, more, root] of [
      ['own', { VLLM_CACHE_ROOT: join(stage.directory, 'mine') }, join(stage.directory, 'mine')],
      ['off', { AIM_COMPILE_CACHE_SIZE: '0', XDG_CACHE_HOME: join(stage.directory, 'xdg') }, ''],
    ] as const) {
      await using aim = await start(container, more)
      await aim.until('ready')
      assert.match(aim.output(), new RegExp(`root ${root}, triton $`, 'm'))
      await stop(aim)
      assert.deepEqual(archives(), [])
    }
  })
})
