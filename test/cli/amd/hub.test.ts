/** AMD's commands against a hub: the size of a model, and its prefetch. */
import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, readdirSync, readlinkSync, statSync } from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { after, before, describe, test } from 'node:test'
import { aimCommand, bareEnvironment } from '../../stage/aim.ts'
import { type Stage, setStage } from '../../stage/model.ts'

describe("AMD's commands and a hub", () => {
  let stage: Stage
  before(async () => {
    stage = await setStage({ megabytes: 4, shards: 2 })
  })
  after(() => stage[Symbol.asyncDispose]())

  // The hub lives in this process, so nothing here may wait for a child in a blocking way.
  const run = async (words: readonly string[], environment: Record<string, string> = {}) => {
    const [file, ...rest] = aimCommand
    const own = { HF_ENDPOINT: stage.hub.url, AIM_CACHE_PATH: stage.cache, AIM_ID: stage.repo }
    const child = spawn(file, [...rest, ...words], { env: { ...bareEnvironment(), ...own, ...environment } })
    const [stdout, stderr, [code]] = await Promise.all([text(child.stdout), text(child.stderr), once(child, 'exit')])
    return { code: code as number, stdout, stderr }
  }
  const bytesOf = (directory: string): number => readdirSync(directory).reduce((sum, name) => sum + statSync(join(directory, name)).size, 0)

  test('dry-run says how large the model is, in GiB with two decimals', async () => {
    const { stdout, stderr } = await run(['dry-run', '--format', 'json'], { AIM_GPU_MODEL: 'MI300X' })
    const [{ models }] = JSON.parse(stdout) as [{ models: [{ size_gb: number | null }] }]
    assert.equal(models[0].size_gb, Math.round((bytesOf(join(stage.directory, 'model')) / 2 ** 30) * 100) / 100, stderr)
  })

  test('download-to-cache needs no GPU, ends with the path, and finds it again without the hub', async () => {
    const { code, stdout, stderr } = await run(['download-to-cache'])
    assert.equal(code, 0, stderr)
    const [, path = ''] = /\nModel downloaded to: (\S+)\n$/.exec(stdout) ?? []
    assert.ok(existsSync(join(path, 'config.json')), stdout)
    // Where AMD's runtime and its users' scripts look.
    assert.equal(path, join(stage.cache, stage.repo))
    assert.match(readlinkSync(path), /^\.\.\/hub\/models--/)
    const again = await run(['download-to-cache', '--model-id', `hf://${stage.repo}`, '--use-hf-cache'], { HF_HUB_OFFLINE: '1' })
    assert.match(again.stdout, new RegExp(`\nModel downloaded to: ${path}\n$`))
  })

  test('a dry run does not insist on a hub that is down: it asks twice and goes on without the size', async () => {
    let asked = 0
    const down = createServer((_, response) => {
      asked++
      response.writeHead(503).end()
    }).listen(0, '127.0.0.1')
    await once(down, 'listening')
    const endpoint = `http://127.0.0.1:${(down.address() as AddressInfo).port}`
    const { code, stdout } = await run(['dry-run', '--format', 'json'], {
      AIM_GPU_MODEL: 'MI300X',
      AIM_ID: 'acme/other',
      HF_ENDPOINT: endpoint,
    })
    down.close()
    const [{ models }] = JSON.parse(stdout) as [{ models: [{ size_gb: number | null }] }]
    assert.deepEqual([code, asked, models[0].size_gb], [0, 2, null])
  })

  test('a model that the hub does not have is an error, with nothing on stdout', async () => {
    const { code, stdout, stderr } = await run(['download-to-cache', '--model-id', 'nobody/nothing'])
    assert.ok(code > 0 && stdout === '' && /fix: /.test(stderr), stderr)
  })
})
