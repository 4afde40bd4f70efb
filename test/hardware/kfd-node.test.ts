import assert from 'node:assert/strict'
import { test } from 'node:test'
import { decodeNode, isGpu } from '../../src/hardware/kfd-node.ts'
import { parseProperties } from '../../src/hardware/properties.ts'

const kinds: readonly [claim: string, gpuId: number | undefined, properties: string, gpu: boolean][] = [
  ['gpu_id 0 is a CPU, whatever else it says', 0, 'simd_count 1216', false],
  ['gpu_id decides alone', 7, '', true],
  ['an APU of the first kind has CPU cores too', 7, 'cpu_cores_count 4\nsimd_count 32', true],
  ['without gpu_id the gfx version tells', undefined, 'gfx_target_version 90402\nsimd_count 0\ncpu_cores_count 20', true],
  ['or the SIMDs', undefined, 'simd_count 256', true],
  ['or vendor and render node', undefined, 'vendor_id 4098\ndrm_render_minor 128', true],
  ['a render minor below 128 is none', undefined, 'vendor_id 4098\ndrm_render_minor 0', false],
  ['a CPU node', undefined, 'cpu_cores_count 96\nsimd_count 0\ngfx_target_version 0\nvendor_id 0', false],
  ['nothing known is no GPU', undefined, '', false],
]

for (const [claim, gpuId, text, expected] of kinds) {
  test(`isGpu(): ${claim}`, () => {
    assert.equal(isGpu({ properties: parseProperties(text), ...(gpuId !== undefined && { gpuId }) }), expected)
  })
}

test('decodeNode() leaves out what it cannot know', () => {
  assert.deepEqual(decodeNode({ node: 4, properties: parseProperties('') }), { node: 4 })
  assert.deepEqual(
    decodeNode({ node: 4, properties: parseProperties('simd_count 8\nunique_id 0\nhive_id 0\nlocation_id 0\nnum_xcc 0\n') }),
    {
      node: 4,
    },
  )
})

test('decodeNode() takes VRAM from the bank, and from local_mem_size on kernels that still fill it', () => {
  const properties = parseProperties('local_mem_size 1000\n')
  assert.equal(decodeNode({ node: 1, properties, bank: parseProperties('size_in_bytes 2000\n') }).vramBytes, 2000)
  assert.equal(decodeNode({ node: 1, properties }).vramBytes, 1000)
  assert.equal(decodeNode({ node: 1, properties: parseProperties('local_mem_size 0\n') }).vramBytes, undefined)
})

test('decodeNode() falls back to the product for the gfx of kernels that do not tell it', () => {
  assert.equal(decodeNode({ node: 1, properties: parseProperties('device_id 26720\n') }).gfx, 'gfx900')
})
