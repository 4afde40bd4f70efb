/** What `aim fit` and `aim plan` know of a model by the headers of its weights. */
import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { readFile, truncate, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { scratch } from '../cache/setup.ts'
import { buildModel } from '../hub/model.ts'
import { startHub } from '../hub/server.ts'
import { aimCommand, bareEnvironment } from '../stage/aim.ts'

const aim = async (words: readonly string[], environment: Readonly<Record<string, string>> = {}) => {
  const [file, ...rest] = aimCommand
  const child = spawn(file, [...rest, ...words], { env: { ...bareEnvironment(), ...environment } })
  let [stdout, stderr] = ['', '']
  child.stdout.setEncoding('utf8').on('data', (text: string) => (stdout += text))
  child.stderr.setEncoding('utf8').on('data', (text: string) => (stderr += text))
  const [code] = await once(child, 'close')
  return { code, stdout, stderr }
}

const model = async (t: TestContext, config: Readonly<Record<string, unknown>> = {}): Promise<string> => {
  const directory = await scratch(t)
  await buildModel(directory, { megabytes: 12, shards: 3 })
  const path = join(directory, 'config.json')
  await writeFile(path, JSON.stringify({ ...JSON.parse(await readFile(path, 'utf8')), ...config }))
  return directory
}

const fit = ['--gpu', 'R9700', '--format', 'json']

test('a directory and a hub give the same facts, of which the hub is asked in kilobytes', async (t) => {
  const directory = await model(t)
  const hub = await startHub({ repos: { 'org/m': { directory } } })
  t.after(() => hub.close())
  const environment = { HF_ENDPOINT: hub.url, HF_HUB_CACHE: await scratch(t) }
  const [here, there] = await Promise.all([aim(['fit', directory, ...fit]), aim(['fit', 'org/m', ...fit], environment)])
  assert.deepEqual([here.code, there.code, here.stderr, there.stderr], [0, 0, '', ''])
  const [local, remote] = [here, there].map(({ stdout }) => JSON.parse(stdout))
  assert.equal(local.facts.weightsFrom, 'headers')
  assert.deepEqual([remote.facts, remote.fit], [local.facts, local.fit])
  // The revision, its tree, config.json, and of each of three shards an address and its first bytes.
  assert.ok(hub.requests.length <= 3 + 1 + 3 * 2, hub.requests.map(({ method, url }) => `${method} ${url}`).join('\n'))
  const config = (await readFile(join(directory, 'config.json'))).length
  assert.ok(hub.sent.bytes <= config + 3 * 128 * 1024, String(hub.sent.bytes))
})

test('a decoder that nobody understands is bounded by the headers, on the screens of fit and plan', async (t) => {
  const directory = await model(t, { architectures: ['DeepseekV4ForCausalLM'] })
  const asked = await aim(['fit', directory, '--gpu', 'R9700'])
  assert.equal(asked.code, 0)
  assert.match(asked.stdout, /likely fits/)
  const flat = (text: string) => text.replace(/\s+/g, ' ')
  assert.match(
    flat(asked.stdout),
    /DeepseekV4ForCausalLM is not understood, so these are bounds: its weights are 1\d MiB by their files' headers/,
  )
  assert.match(
    flat(asked.stdout),
    /a token takes at most .* of each GPU's KV cache, by the widths of the key, value and latent projections, and may take less/,
  )
  const planned = await aim(['plan', directory, '--gpu-model', 'MI300X', '--gpu-count', '1'])
  assert.equal(planned.code, 0)
  assert.match(flat(planned.stdout), /DeepseekV4ForCausalLM is not understood/)
})

test('weights whose headers cannot be read are planned by their sizes, and that is said', async (t) => {
  const directory = await model(t)
  await truncate(join(directory, 'model-00002-of-00003.safetensors'), 20)
  const asked = await aim(['fit', directory, ...fit])
  assert.equal(asked.code, 0)
  const { facts, assumed } = JSON.parse(asked.stdout)
  assert.equal(facts.weightsFrom, 'files')
  assert.match(assumed.join(), /the header of .*model-00002-of-00003\.safetensors cannot be read/)
  const planned = await aim(['plan', directory, '--gpu-model', 'MI300X', '--gpu-count', '1'])
  assert.match(planned.stderr, /cannot be read.*; the weights are taken from the sizes of the files and the architecture/)
})
