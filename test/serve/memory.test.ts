import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { detect } from '../../src/hardware/detect.ts'
import type { Launch } from '../../src/plan/launch.ts'
import { memoryOf } from '../../src/serve/memory.ts'
import type { Memory } from '../../src/supervisor/memory.ts'
import { apu, mi300x } from '../fixtures/hardware/machines.ts'
import { inMemory, over, patient, type Tree } from '../fixtures/hardware/tree.ts'

const gib = 1024 ** 3
const kfd = '/sys/class/kfd/kfd/proc'
const gpusOf = (tree: Tree) => detect(inMemory(tree).fs, {}).gpus

const memory = (tree: Tree, ...words: readonly string[]): Memory => {
  const launch = { gpus: gpusOf(tree), engine: { argv: ['vllm', 'serve', '/m', ...words] } } as unknown as Launch
  const found = memoryOf(launch, patient(tree), () => [
    { pid: 42, name: 'python3', state: 'S', parent: 1, group: 1, session: 1, threads: 1, ticks: 0, pages: 0, startTime: '' },
  ])
  assert.ok(found)
  return found
}

describe('memoryOf()', () => {
  test('is nothing where no GPU has memory of its own', () => {
    const launch = { gpus: gpusOf(apu()), engine: { argv: [] } } as unknown as Launch
    assert.equal(
      memoryOf(launch, patient(apu()), () => []),
      undefined,
    )
  })

  const rows: readonly [claim: string, freeGib: number, words: readonly string[], lacks: boolean][] = [
    ['an empty GPU suffices', 191, [], false],
    ['what vLLM would refuse by its default utilization lacks', 170, [], true],
    ['a lower utilization asks for less', 170, ['--gpu-memory-utilization', '0.8'], false],
    ['a size in bytes replaces the utilization, so nothing is known', 1, ['--kv-cache-memory-bytes', '1000000'], false],
  ]
  for (const [claim, free, words, lacks] of rows)
    test(claim, () => {
      const phrases = memory(mi300x(1), ...words).lacking({ '0000:11:00.0': (192 - free) * gib })
      assert.equal(phrases.length, lacks ? 1 : 0)
      if (lacks) assert.match(phrases[0] ?? '', /^0000:11:00\.0 has 170 GiB of 192 GiB free, the engine asks for 177 GiB$/)
    })

  test('gives the users that the driver knows by package, and those that we can see by name', async () => {
    const tree = mi300x(1)
    const [gpu] = gpusOf(tree)
    const shown = memory(
      over(tree, {
        files: {
          [`${kfd}/4711/vram_${gpu?.gpuId}`]: `${5 * gib}\n`,
          [`${kfd}/4712/vram_99`]: `${gib}\n`,
          '/proc/42/fdinfo/7': `drm-driver:\tamdgpu\ndrm-pdev:\t0000:11:00.0\ndrm-client-id:\t3\ndrm-memory-vram:\t${2 * 1024 * 1024} KiB\n`,
        },
        links: { '/proc/42/fd/7': '/dev/dri/renderD128' },
      }),
    )
    assert.deepEqual(await shown.holders(), [
      { pid: 4711, used: { '0000:11:00.0': 5 * gib } },
      { pid: 4712, used: {} },
    ])
    assert.deepEqual(await shown.describeUsers(['0000:11:00.0']), ['in this container python3 (pid 42) has 2.0 GiB of 0000:11:00.0'])
    assert.deepEqual(await shown.describeUsers(['0000:12:00.0']), [])
  })
})
