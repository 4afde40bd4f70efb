import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { documentsIn, parseAmdSmi } from '../../src/hardware/amd-smi.ts'

/** ROCm 7: an object around the list, numbers with units. */
const rocm7 = {
  gpu_data: [
    {
      gpu: 0,
      asic: {
        market_name: 'AMD Instinct MI325X',
        device_id: '0x74a5',
        rev_id: '0x00',
        num_compute_units: 304,
        target_graphics_version: 'gfx942',
      },
      bus: { bdf: '0000:83:00.0' },
      vram: { type: 'HBM3', size: { value: 262128, unit: 'MB' } },
      partition: { accelerator_partition: 'SPX', memory_partition: 'NPS1' },
      numa: { node: 1 },
    },
  ],
}

test('parseAmdSmi() reads the object of ROCm 7 and the nodes of the list', () => {
  const list = [{ gpu: 0, bdf: '0000:83:00.0', uuid: '00ff74a5-0000-1000-8012-34567890abcd', kfd_id: 7001, node_id: 3, partition_id: 0 }]
  assert.deepEqual(parseAmdSmi(JSON.stringify(list), JSON.stringify(rocm7)), [
    {
      ...{ node: 3, gpuId: 7001, pci: '0000:83:00.0', package: '0000:83:00.0', deviceId: '74a5', revision: '00', product: 'MI325X' },
      ...{ name: 'AMD Instinct MI325X', gfx: 'gfx942', computeUnits: 304, vramBytes: 262128 * 2 ** 20 },
      ...{ computePartition: 'SPX', memoryPartition: 'NPS1', numaNode: 1 },
    },
  ])
})

test('parseAmdSmi() reads the array of ROCm 6, text with units, another name of the partition, and a numeric gfx', () => {
  const statics = [
    {
      gpu: 1,
      asic: { market_name: 'MI210', device_id: 29711, target_graphics_version: 90010 },
      bus: { bdf: '0001:C3:00.0' },
      vram: { size: '65520 MB' },
      partition: { compute_partition: 'N/A', memory_partition: 'N/A' },
    },
  ]
  assert.deepEqual(parseAmdSmi('', JSON.stringify(statics)), [
    {
      ...{ node: 1, pci: '0001:c3:00.0', package: '0001:c3:00.0', deviceId: '740f', product: 'MI210', name: 'MI210', gfx: 'gfx90a' },
      vramBytes: 65520 * 2 ** 20,
    },
  ])
})

test('parseAmdSmi() leaves out every N/A, and gives what the list alone knows when static failed', () => {
  const apu = [
    { gpu: 0, asic: { market_name: 'N/A', device_id: 'N/A', num_compute_units: 'N/A' }, vram: 'N/A', bus: 'N/A', partition: null },
  ]
  assert.deepEqual(parseAmdSmi('', JSON.stringify(apu)), [{ node: 0 }])
  const list = [{ gpu: 4, bdf: '0000:0b:00.0', kfd_id: 'N/A', node_id: 'N/A' }]
  assert.deepEqual(parseAmdSmi(JSON.stringify(list), ''), [{ node: 4, pci: '0000:0b:00.0', package: '0000:0b:00.0' }])
})

test('parseAmdSmi() has nothing to say about text without a GPU', () => {
  for (const text of ['', 'ERROR: no driver', '[]', '{}', '{"gpu_data": []}', '[1, "x", null]', '{"gpu": "N/A"}', '[[[[', '{"a": "}'])
    assert.equal(parseAmdSmi(text, text), undefined)
})

test('documentsIn() finds several documents between warnings and legends, and is not fooled by brackets in strings', () => {
  const text = 'WARNING: [user] not in {render}\n[{"gpu": 0}]\n[{"a": "]}\\"[" }]\n\nLegend:\n  * = [Current mode\n{"b": 1}'
  assert.deepEqual(documentsIn(text), [[{ gpu: 0 }], [{ a: ']}"[' }], { b: 1 }])
})

const archive = join(process.env.AIM_SHARED ?? join(import.meta.dirname, '../../../shared'), 'fixtures/gpu/trees/tool-json.tar.gz')

test('parseAmdSmi() reads what real ones wrote', (t) => {
  if (!existsSync(archive)) {
    t.diagnostic(`the captured outputs are not at ${archive}: this check did not run; AIM_SHARED names their folder`)
    return
  }
  const directory = mkdtempSync(join(tmpdir(), 'aim-smi-'))
  t.after(() => rmSync(directory, { recursive: true, force: true }))
  execFileSync('tar', ['-xzf', archive, '-C', directory])
  const read = (file: string) => parseAmdSmi('', readFileSync(join(directory, 'amd-smi', file), 'utf8'))?.[0]
  const mi210 = read('static-mi210-gpu_data.json')
  assert.deepEqual([mi210?.product, mi210?.gfx, mi210?.computeUnits, mi210?.vramBytes], ['MI210', 'gfx90a', 104, 65520 * 2 ** 20])
  const six = read('synthetic-shapes/static-array-rocm6.json')
  assert.deepEqual([six?.name, six?.pci, six?.vramBytes], ['MI300X', '0000:05:00.0', 196592 * 2 ** 20])
  const seven = read('synthetic-shapes/static-gpu_data-rocm7.json')
  assert.deepEqual([seven?.product, seven?.gfx], ['MI300X', 'gfx942'])
})
