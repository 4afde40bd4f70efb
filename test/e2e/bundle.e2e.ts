import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { execa } from 'execa'
import { parse } from 'yaml'
import { bareEnvironment, get, startAim } from '../stage/aim.ts'
import { chat } from '../stage/chat.ts'
import { setStage } from '../stage/model.ts'

const root = join(import.meta.dirname, '../..')

describe('the bundle, away from the checkout and its node_modules', () => {
  let directory: string
  let aim: string
  before(() => {
    directory = mkdtempSync(join(tmpdir(), 'aim-bundle-'))
    aim = join(directory, 'dist/aim.js')
    execFileSync(process.execPath, [join(root, 'docker/build.ts'), join(directory, 'dist')], { stdio: 'ignore' })
    execFileSync('sh', [join(root, 'docker/bake.sh'), join(directory, 'dist'), process.execPath])
  })
  after(() => rmSync(directory, { recursive: true, force: true }))

  const run = async (...words: readonly string[]) => {
    const { exitCode, stdout, stderr } = await execa(process.execPath, [aim, ...words], {
      env: { ...bareEnvironment(), AIM_GPU_COUNT: '0' },
      extendEnv: false,
      reject: false,
    })
    return { code: exitCode, stdout, stderr }
  }

  test('every chunk loads, and holds nothing but ASCII', async () => {
    const chunks = readdirSync(join(directory, 'dist')).filter((name) => name.endsWith('.js') && name !== 'aim.js')
    assert.ok(chunks.length > 20)
    assert.deepEqual(
      chunks.filter((name) => /[^\0-\x7f]/.test(readFileSync(join(directory, 'dist', name), 'utf8'))),
      [],
    )
    const loading = chunks.filter((name) => name !== 'transfer-thread.js').map((name) => `require('./${name}');`)
    writeFileSync(join(directory, 'dist/all.cjs'), loading.join('\n'))
    execFileSync(process.execPath, [join(directory, 'dist/all.cjs')])
  })

  test('commands answer as from the sources: text, JSON, YAML, recipes, refusals', async () => {
    assert.match((await run('version')).stdout, /^aim \d/)
    assert.ok(JSON.parse((await run('recipes', '--format', 'json')).stdout).length > 20)
    assert.equal(
      parse((await run('version', '--format', 'yaml')).stdout).version,
      JSON.parse((await run('version', '--format', 'json')).stdout).version,
    )
    assert.equal(JSON.parse((await run('recipes', 'schema')).stdout).title, 'AIM Engine recipe')
    const refused = await run('plan', 'org/name', '--precision', 'bf1')
    assert.equal(refused.code, 78)
    assert.match(refused.stderr, /did you mean bf16\?/)
  })

  test('serves: pulls by its worker and threads, is ready, answers, is scraped; loads neither undici nor TLS for it, and ends with 0', async () => {
    await using stage = await setStage({ megabytes: 4, shards: 2 })
    await using running = await startAim({
      command: [process.execPath, aim],
      words: ['serve', stage.repo],
      environment: {
        ...{ AIM_ENGINE: 'simulator', AIM_SIMULATOR_SPEED: '40', HF_ENDPOINT: stage.hub.url, AIM_CACHE_PATH: stage.cache },
        NODE_OPTIONS: `--require=${listing(directory)}`,
      },
    })
    await running.until('ready')
    assert.equal((await chat(`http://127.0.0.1:${running.port}`, stage.repo)).status, 200)
    assert.match((await get(`http://127.0.0.1:${running.opsPort}/metrics`)).body, /^aim_ready 1$/m)
    running.child.kill('SIGTERM')
    assert.equal(await running.exited, 0, running.output())
    const loaded = readFileSync(join(directory, `loaded-${running.child.pid}`), 'utf8').split('\n')
    assert.ok(loaded.includes('NativeModule http'))
    assert.deepEqual(
      loaded.filter((name) => /undici|\b(?:tls|http2|zlib)$/.test(name)),
      [],
    )
  })
})

/** A module that writes what Node itself has loaded when the process ends. */
const listing = (directory: string): string => {
  const path = join(directory, 'listing.cjs')
  const target = JSON.stringify(join(directory, 'loaded-'))
  writeFileSync(
    path,
    `process.on('exit', () => require('node:fs').writeFileSync(${target} + process.pid, process.moduleLoadList.join('\\n')))`,
  )
  return path
}
