import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { detect } from '../../src/hardware/detect.ts'
import { readVramUsed, vramPackagesOf } from '../../src/hardware/vram.ts'
import { apu, mi300x, mi300xCpx } from '../fixtures/hardware/machines.ts'
import { inMemory, patient, type Tree, without } from '../fixtures/hardware/tree.ts'

const gib = 1024 ** 3
const mib = 1024 ** 2
const packagesOf = (tree: Tree) => vramPackagesOf(detect(inMemory(tree).fs, {}).gpus)

describe('vramPackagesOf()', () => {
  test('counts a package once, however it is partitioned, and has no size where a partition is all that is ours', () => {
    const [whole] = packagesOf(mi300x(1))
    assert.deepEqual([whole?.name, whole?.totalBytes, whole?.gpuIds.length], ['0000:11:00.0', 192 * gib - 16 * mib, 1])
    assert.deepEqual(
      packagesOf(mi300xCpx(2)).map(({ name, totalBytes, gpuIds }) => [name, totalBytes, gpuIds.length]),
      [
        ['0000:11:00.0', undefined, 8],
        ['0000:19:00.0', undefined, 8],
      ],
    )
  })
  test('leaves out what shares the memory of the host', () => assert.deepEqual(packagesOf(apu()), []))
})

test('readVramUsed() reads the device, else what KFD counts, else says nothing', async () => {
  const tree = mi300x(2)
  const read = (changed: Tree) => readVramUsed(patient(changed), packagesOf(tree))
  const both = { '0000:11:00.0': 300 * mib, '0000:19:00.0': 300 * mib }
  assert.deepEqual(await read(tree), both)
  assert.deepEqual(await read(without(tree, /mem_info_vram_used$/)), both)
  assert.deepEqual(await read(without(tree, /mem_info_vram_used$|used_memory$/)), {})
})
