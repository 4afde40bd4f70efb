import assert from 'node:assert/strict'
import { test } from 'node:test'
import { decorate } from '../../src/hardware/drm.ts'
import { readTopology } from '../../src/hardware/kfd.ts'
import { gib } from '../../src/std/bytes.ts'
import { apu, mi250x, mi300x, mi300xCpx, mi308xCpx, radeon } from '../fixtures/hardware/machines.ts'
import { inMemory, over, type Tree, without } from '../fixtures/hardware/tree.ts'

const decorated = (tree: Tree, keep: (node: number) => boolean = () => true) => {
  const recorded = inMemory(tree)
  const gpus = readTopology(recorded.fs).gpus.filter(({ node }) => keep(node))
  return { ...decorate(recorded.fs, gpus), calls: recorded.calls }
}

const used = 300 * 2 ** 20
const device = '/sys/devices/pci0000:00/0000:11:00.0'

test('decorate() adds revision, name, use, NUMA node and modes from the PCI device', () => {
  const { gpus } = decorated(mi300x(8))
  const { revision, product, name, vramUsedBytes, numaNode, computePartition, memoryPartition } = gpus[7] ?? {}
  assert.deepEqual([revision, product, name, vramUsedBytes], ['00', 'MI300X', 'AMD Instinct MI300X OAM', used])
  assert.deepEqual([numaNode, computePartition, memoryPartition], [1, 'SPX', 'NPS1'])
})

test('decorate() gives every partition what its package says, and reads the device once', () => {
  const { gpus, calls } = decorated(mi300xCpx(1))
  assert.equal(gpus.length, 8)
  for (const [at, gpu] of gpus.entries()) {
    assert.deepEqual([gpu.computePartition, gpu.memoryPartition, gpu.vramUsedBytes, gpu.numaNode], ['CPX', 'NPS4', used, 0])
    assert.equal(gpu.vramBytes, gib(24) - (at < 6 ? 0 : 8 * 2 ** 20))
  }
  assert.equal(calls.filter((call) => call.endsWith('/mem_info_vram_used')).length, 1)
})

test('decorate() reaches the package of a lone secondary partition through /sys/bus/pci', () => {
  const { gpus } = decorated(mi300xCpx(1), (node) => node === 5)
  assert.deepEqual([gpus[0]?.pci, gpus[0]?.memoryPartition], ['0000:11:00.3', 'NPS4'])
})

test('decorate() infers the compute mode from the XCCs, and the memory mode from unequal banks, where no device is visible', () => {
  const bare = (tree: Tree) => decorated(without(tree, /^\/sys\/(class\/drm|bus)/)).gpus[0]
  assert.deepEqual([bare(mi300x(1))?.computePartition, bare(mi300x(1))?.memoryPartition], ['SPX', undefined])
  assert.deepEqual([bare(mi300xCpx(1))?.computePartition, bare(mi308xCpx(1))?.memoryPartition], ['CPX', 'NPS4'])
  assert.equal(bare(mi250x(1))?.computePartition, undefined)
  assert.equal(bare(mi300x(1))?.vramUsedBytes, used)
})

test('decorate() names a consumer card by its revision, because its product_name is blank', () => {
  const { gpus } = decorated(radeon())
  assert.deepEqual(
    [gpus[0]?.revision, gpus[0]?.product, gpus[0]?.name, gpus[0]?.numaNode],
    ['c8', 'RX7900', 'AMD Radeon RX 7900 XTX', undefined],
  )
})

test('decorate() asks only MI300 and later for partition modes, and only where it must for the total', () => {
  assert.deepEqual(
    decorated(radeon()).calls.filter((call) => /partition|vram_total/.test(call)),
    [],
  )
  assert.equal(decorated(apu()).calls.filter((call) => /vram_total/.test(call)).length, 1)
})

test('decorate() gives an APU the memory of the bank, not of the carve-out', () => {
  const [gpu] = decorated(apu()).gpus
  assert.deepEqual([gpu?.sharesHostMemory, gpu?.vramBytes, gpu?.vramUsedBytes], [true, gib(108), undefined])
})

test('decorate() counts a large carve-out as memory of its own', () => {
  const [gpu] = decorated(apu(gib(110))).gpus
  assert.deepEqual([gpu?.sharesHostMemory, gpu?.vramBytes, gpu?.vramUsedBytes], [undefined, gib(110), gib(55)])
})

test('decorate() takes the total of the device when KFD names none, but not for a partition', () => {
  const [whole] = decorated(without(mi300x(1), /mem_banks/)).gpus
  assert.equal(whole?.vramBytes, gib(192) - 16 * 2 ** 20)
  assert.ok(decorated(without(mi300xCpx(1), /mem_banks/)).gpus.every(({ vramBytes }) => vramBytes === undefined))
})

test('decorate() states EBUSY, and still knows the GPU', () => {
  const errors = Object.fromEntries(
    ['revision', 'mem_info_vram_used', 'current_compute_partition'].map((file) => [`${device}/${file}`, 'EBUSY']),
  )
  const { gpus, oddities } = decorated(over(mi300x(1), { errors }))
  assert.deepEqual([gpus[0]?.product, gpus[0]?.computePartition, gpus[0]?.vramUsedBytes], ['MI300X', 'SPX', undefined])
  assert.deepEqual(oddities, ['the device of KFD node 2 answers EBUSY: it is in reset or suspended'])
})

test('decorate() takes EPERM of a suspended card quietly', () => {
  const errors = { [`${device}/revision`]: 'EPERM', [`${device}/mem_info_vram_used`]: 'EPERM' }
  const { gpus, oddities } = decorated(over(mi300x(1), { errors }))
  assert.deepEqual([gpus[0]?.name, gpus[0]?.vramUsedBytes, oddities], ['AMD Instinct MI300X OAM', undefined, []])
})

test('decorate() takes garbage in any attribute for unknown, and says so', () => {
  for (const text of ['', '\n', '\u0000\u0001', 'N/A', 'x'.repeat(100_000), '-5', '99999999999999999999999999']) {
    const names = ['revision', 'mem_info_vram_used', 'numa_node', 'product_name', 'current_compute_partition', 'current_memory_partition']
    const { gpus, oddities } = decorated(over(mi300x(1), { files: Object.fromEntries(names.map((name) => [`${device}/${name}`, text])) }))
    const [gpu] = gpus
    assert.ok(oddities.length >= 4, oddities.join('\n'))
    assert.deepEqual([gpu?.product, gpu?.vramUsedBytes, gpu?.numaNode], ['MI300X', undefined, undefined], text.slice(0, 20))
  }
})
