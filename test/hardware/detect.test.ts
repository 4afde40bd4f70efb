import assert from 'node:assert/strict'
import { test } from 'node:test'
import { detect } from '../../src/hardware/detect.ts'
import { gib } from '../../src/std/bytes.ts'
import { apu, mi250x, mi300x, mi300xCpx, noGpu, noPermission, radeon } from '../fixtures/hardware/machines.ts'
import { inMemory, over, type Tree, without } from '../fixtures/hardware/tree.ts'

const seen = (tree: Tree, environment: Record<string, string> = {}) => detect(inMemory(tree).fs, environment)

test('detect() knows a server of eight MI300X', () => {
  const { gpus, hidden, driver, blocked, oddities, host } = seen(mi300x(8))
  assert.equal(gpus.length, 8)
  assert.deepEqual(gpus[3], {
    ...{
      index: 3,
      ordinal: 3,
      node: 5,
      gpuId: 4185,
      renderMinor: 152,
      pci: '0000:29:00.0',
      package: '0000:29:00.0',
      deviceId: '74a1',
      revision: '00',
    },
    ...{ product: 'MI300X', name: 'AMD Instinct MI300X OAM', gfx: 'gfx942', computeUnits: 304, xcc: 8 },
    dtypes: ['fp32', 'fp16', 'bf16', 'fp8_fnuz', 'int8'],
    ...{ vramBytes: 206141652992, vramUsedBytes: 300 * 2 ** 20, memoryBandwidth: 5324.8e9, numaNode: 0 },
    ...{
      uniqueId: String(0xf3a1_0000_0000_1003n),
      uuid: 'GPU-f3a1000000001003',
      hiveId: String(0xfeed_0000_0000_0001n),
      computePartition: 'SPX',
      memoryPartition: 'NPS1',
    },
  })
  assert.deepEqual({ hidden, driver, blocked, oddities }, { hidden: [], driver: true, blocked: undefined, oddities: [] })
  assert.equal(host.cpus, 192)
})

test('detect() finds nothing, and nothing wrong, on a laptop without a GPU', () => {
  const { host, ...rest } = seen(noGpu())
  assert.deepEqual(rest, { gpus: [], hidden: [], driver: false, oddities: [] })
  assert.equal(host.memoryBytes, gib(64))
})

const counts: readonly [name: string, tree: Tree, gpus: number, gfx: string, product: string, units: number][] = [
  ['two MI300X in CPX', mi300xCpx(2), 16, 'gfx942', 'MI300X', 38],
  ['four dies of MI250X', mi250x(4), 4, 'gfx90a', 'MI250X', 110],
  ['a Radeon', radeon(), 1, 'gfx1100', 'RX7900', 96],
  ['an APU', apu(), 1, 'gfx1151', 'RYZENAIMAX', 40],
]

for (const [name, tree, count, gfx, product, units] of counts) {
  test(`detect() knows ${name}`, () => {
    const { gpus, oddities } = seen(tree)
    assert.equal(gpus.length, count)
    for (const gpu of gpus) assert.deepEqual([gpu.gfx, gpu.product, gpu.computeUnits], [gfx, product, units])
    assert.deepEqual(oddities, [])
  })
}

test('detect() sees the GPUs of a container that was given two of eight, numbered from 0', () => {
  const given = new Set([4, 7])
  const denied = Array.from({ length: 8 }, (_, at) => at + 2).filter((node) => !given.has(node))
  const errors = Object.fromEntries(denied.map((node) => [`/sys/class/kfd/kfd/topology/nodes/${node}/gpu_id`, 'EPERM']))
  const { gpus, hidden, blocked } = seen(over(mi300x(8), { errors }))
  assert.deepEqual(
    gpus.map(({ index, node }) => [index, node]),
    [
      [0, 4],
      [1, 7],
    ],
  )
  assert.deepEqual(
    hidden.map(({ node }) => node),
    denied,
  )
  assert.equal(blocked, undefined)
})

test('detect() is blocked without permission, and shows no GPU as usable', () => {
  const { gpus, hidden, driver, blocked } = seen(noPermission())
  assert.deepEqual([gpus.length, hidden.length, driver], [0, 8, true])
  assert.match(blocked?.fix ?? '', /--group-add 109/)
})

test('detect() applies the masks to what the container was given', () => {
  const { gpus, hidden } = seen(without(mi300x(4), /renderD128$/), { ROCR_VISIBLE_DEVICES: '1,0' })
  assert.deepEqual(
    gpus.map(({ node }) => node),
    [4, 3],
  )
  assert.deepEqual(
    hidden.map(({ node }) => node),
    [2, 5],
  )
})

test('detect() passes on that HIP and CUDA differ', () => {
  const { gpus, hidden, blocked } = seen(mi300x(2), { HIP_VISIBLE_DEVICES: '0', CUDA_VISIBLE_DEVICES: '1' })
  assert.deepEqual([gpus.length, hidden.length], [0, 2])
  assert.match(blocked?.reason ?? '', /vLLM refuses/)
})

test('detect() sees the gfx that ROCm is told to see, and blocks what ROCm cannot read', () => {
  assert.equal(seen(apu(), { HSA_OVERRIDE_GFX_VERSION: '11.0.0' }).gpus[0]?.gfx, 'gfx1100')
  const { gpus, hidden, blocked } = seen(apu(), { HSA_OVERRIDE_GFX_VERSION: 'gfx1100' })
  assert.deepEqual([gpus.length, hidden.length], [0, 1])
  assert.match(blocked?.fix ?? '', /unset HSA_OVERRIDE_GFX_VERSION/)
})

test('detect() states two nodes that name one render node', () => {
  const properties = '/sys/class/kfd/kfd/topology/nodes/3/properties'
  const tree = mi300x(2)
  const same = (tree.files[properties] ?? '').replace('drm_render_minor 136', 'drm_render_minor 128')
  assert.deepEqual(seen(over(tree, { files: { [properties]: same } })).oddities, ['KFD nodes 2 and 3 both name renderD128'])
})

test('detect() never looks for GPUs in /sys/class/drm, never reads links, and asks nothing of a GPU it was not given', () => {
  const { fs, calls } = inMemory(over(mi300x(8), { errors: { '/sys/class/kfd/kfd/topology/nodes/2/gpu_id': 'EPERM' } }))
  detect(fs, {})
  assert.deepEqual(
    calls.filter((call) => /list \/sys\/class\/drm|_links|pcie_bw|renderD128|readText \/dev/.test(call)),
    [],
  )
})

test('detect() costs ten calls per MI300X and a handful besides', () => {
  const { fs, calls } = inMemory(mi300x(8))
  detect(fs, {})
  assert.equal(calls.filter((call) => /nodes\/[2-9]\/|renderD/.test(call)).length, 8 * 10)
  assert.ok(calls.length <= 8 * 10 + 14, calls.join('\n'))
  assert.equal(new Set(calls).size, calls.length - 1, 'only generation_id is read twice')
})

const noise = ['', '\n', '\u0000\u0001\ufffd', '0', '-1', '18446744073709551616', 'x 1', '../..', 'x'.repeat(300_000)]
const codes = ['EPERM', 'EACCES', 'EBUSY', 'ENOENT', 'EINVAL', 'EIO', 'ENODEV', 'EFBIG']

test('detect() never throws and never loses count, whatever a single file holds or answers', () => {
  for (const tree of [mi300x(2), mi300xCpx(1), apu()]) {
    const total = seen(tree).gpus.length
    for (const path of [...Object.keys(tree.files), '/sys/class/kfd/kfd/topology/nodes', '/dev/shm']) {
      for (const text of noise) assert.ok(seen(over(tree, { files: { [path]: text } })).gpus.length <= total)
      for (const code of codes) {
        const { gpus, hidden } = seen(over(tree, { errors: { [path]: code } }))
        // One more, because EPERM on a CPU node's gpu_id, which no kernel answers, reads as a GPU's.
        assert.ok(gpus.length + hidden.length <= total + 1, `${path} ${code}`)
      }
    }
  }
})
