import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { stackedBar } from '../../src/cli/bar.ts'
import { modelOf, readFitFlags } from '../../src/cli/fit-question.ts'
import { gib } from '../../src/std/bytes.ts'
import { deepseekV3, llama8b } from '../model/configs.ts'
import { aimCommand, bareEnvironment } from '../stage/aim.ts'

describe('aim fit', () => {
  let directory: string
  let config: string
  before(() => {
    directory = mkdtempSync(join(tmpdir(), 'aim-fit-'))
    config = join(directory, 'config.json')
    writeFileSync(config, JSON.stringify(llama8b))
  })
  after(() => rmSync(directory, { recursive: true }))

  const aim = (words: readonly string[], environment: Record<string, string> = {}) => {
    const [file, ...rest] = aimCommand
    return spawnSync(file, [...rest, 'fit', ...words], { encoding: 'utf8', env: { ...bareEnvironment(), ...environment } })
  }

  test('a bare config.json on GPUs that are not here: the verdict, memory as a bar, what would change it, exit 69 where it is no', () => {
    const { status, stdout } = aim([config, '--gpu', 'R9700', '--context', '131072'])
    assert.equal(status, 69)
    assert.match(stdout, /on 1x R9700 .*: does not fit\n/)
    assert.match(stdout, /\n\|W+A+R+G+K+\.+\|\n/)
    assert.match(stdout, /--count 2 +fits/)
    assert.ok(stdout.split('\n').every((line) => line.length <= 130 || line.includes(config)))
  })

  test('a directory and words of the engine after --; one JSON document alone on stdout', () => {
    const { status, stdout, stderr } = aim([
      ...[directory, '--gpu', 'MI300X', '--count', '2', '--engine-version', '0.13.0', '--format', 'json'],
      ...['--', '--max-model-len=32k', '--max-num-seqs', '64', '--no-enable-prefix-caching', '-q', 'fp8'],
    ])
    assert.deepEqual([status, stderr], [0, ''])
    const { verdict, setup, facts } = JSON.parse(stdout)
    assert.equal(verdict, 'fits')
    assert.deepEqual(
      [setup.tensor, setup.contextLength, setup.sequences, setup.prefixCaching, setup.engineVersion, facts.quantization],
      [2, 32000, 64, false, '0.13.0', 'fp8'],
    )
  })

  test('without a network a model of the catalog is known by its recipe, any other is refused with what to do', () => {
    const offline = { HF_HUB_OFFLINE: '1', HF_HUB_CACHE: join(directory, 'empty') }
    const known = aim(['openai/gpt-oss-20b', '--gpu', 'MI300X'], offline)
    assert.equal(known.status, 0)
    assert.match(known.stdout, /note: model read from its recipe/)
    const unknown = aim(['nobody/nothing', '--gpu', 'MI300X'], offline)
    assert.deepEqual([unknown.status, unknown.stdout], [78, ''])
    assert.match(unknown.stderr, /HF_HUB_OFFLINE forbids asking the hub[\s\S]*fix: name its config.json/)
  })

  test('all slips of the options are told at once, exit 2', () => {
    const { status, stderr } = aim(['x/y', '--gpu', 'Voodoo', '--count', '0', '--context', 'long', '--gpu-memory-utilization', '90'])
    assert.equal(status, 2)
    for (const name of ['--gpu must', '--count must', '--context must', '--gpu-memory-utilization cannot'])
      assert.ok(stderr.includes(name), name)
  })
})

const asked = (flags: Record<string, string>) => readFitFlags(flags, []).asked

test('sizes are read as published logs give them: GiB without a unit, bytes with one', () => {
  assert.equal(asked({ vram: '191.69' }).card?.vramBytes, gib(191.69))
  assert.equal(asked({ vram: '24GiB', gpu: 'AMD Instinct MI999' }).card?.gfx, 'gfx942')
  assert.equal(asked({ gpu: 'H100', vram: '79.1' }).card?.gfx, 'cuda')
  assert.equal(asked({ parameters: '8.03B' }).parameters, 8.03e9)
  assert.equal(asked({ kvCacheMemoryBytes: '4GiB' }).arguments['kv-cache-memory-bytes'], gib(4))
})

test('weights come from the files, else from what was stated, else from the architecture', () => {
  const files = [{ path: 'model.safetensors', bytes: 16e9 }]
  const bytes = (config: unknown, flags: Record<string, string>, held = files) => modelOf(config, held, asked(flags)).facts.weightsBytes
  assert.equal(bytes(llama8b, {}), 16e9)
  assert.equal(bytes(llama8b, { weightsBytes: '15GiB' }), gib(15))
  assert.equal(bytes(llama8b, { parameters: '8B' }, []), 16e9)
  assert.equal(bytes({ architectures: ['NobodyKnows'], torch_dtype: 'bfloat16' }, { parameters: '8B' }, []), 16e9)
  // The format of each tensor is known better than by one number for all.
  assert.equal(bytes(deepseekV3, { parameters: '671B' }, []), undefined)
  assert.equal(modelOf(llama8b, files, asked({ quantization: 'awq' })).facts.shape?.source, 'architecture')
})

test('a bar is as wide as asked, each part as its share, a small one seen', () => {
  const bar = stackedBar(
    [
      ['W', 'weights', 50],
      ['A', 'activations', 0.1],
      ['K', 'cache', 40],
      ['N', 'nothing', -3],
    ],
    100,
    42,
  )
  assert.equal(bar.length, 42)
  assert.match(bar, /^\|W{20,}A K{15,}\|$|^\|W+AK+\|$/)
})
