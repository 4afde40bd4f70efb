import assert from 'node:assert/strict'
import { join } from 'node:path'
import { describe, test } from 'node:test'
import type { Launch } from '../../src/plan/launch.ts'
import { programOf } from '../../src/serve/supervision.ts'

describe('programOf()', () => {
  const program = (file: string) =>
    programOf(
      { engine: { name: 'vllm', argv: [file, 'serve', './m'], env: { A: '1' } } } as unknown as Launch,
      { PATH: '/bin', AIM_MODEL_ID: 'a/b', HOME: '/root' },
      { hubCache: '/cache/hub' },
      '/tmp/scratch',
    )
  const rows: readonly [claim: string, file: string, spawned: string][] = [
    ['a path below where we run is meant from here', 'bin/vllm', join(process.cwd(), 'bin/vllm')],
    ['so is one that begins with a dot', './vllm', join(process.cwd(), 'vllm')],
    ['and one that begins with two', '../vllm', join(process.cwd(), '../vllm')],
    ['a bare name is looked for on PATH', 'vllm', 'vllm'],
    ['an absolute path stays', '/opt/vllm', '/opt/vllm'],
  ]
  for (const [claim, file, spawned] of rows)
    test(`${claim}: ${file}`, () => {
      const { file: found, arguments: words, directory } = program(file)
      assert.deepEqual([found, words, directory], [spawned, ['serve', './m'], '/tmp/scratch'])
    })

  test('the scratch directory is the place of temporary files, and the plan reaches the engine, our settings do not', () => {
    const { environment } = program('vllm')
    const { A, TMPDIR, HF_HUB_CACHE, AIM_MODEL_ID } = environment
    assert.deepEqual([A, TMPDIR, HF_HUB_CACHE, AIM_MODEL_ID], ['1', '/tmp/scratch', '/cache/hub', undefined])
  })
})
