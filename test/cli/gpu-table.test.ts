import assert from 'node:assert/strict'
import { test } from 'node:test'
import { gpuTable, holderLines, linkMatrix, ranges, readingTable } from '../../src/cli/gpu-table.ts'
import { detect } from '../../src/hardware/detect.ts'
import { apu, instinctsOfTwoKinds, mi300x, mi300xDpx } from '../fixtures/hardware/machines.ts'
import { inMemory, type Tree } from '../fixtures/hardware/tree.ts'

const gpusOf = (tree: Tree) => detect(inMemory(tree).fs, {}).gpus

test('gpuTable() says first what kinds there are, and last what joins them', () => {
  const lines = gpuTable(gpusOf(instinctsOfTwoKinds())).split('\n')
  assert.equal(lines[0], '2x AMD Instinct MI300X OAM (gfx942): 192 GiB, 304 CUs, 5.3 TB/s each; fp32 fp16 bf16 fp8_fnuz int8')
  assert.match(lines[1] ?? '', /^2x AMD Instinct MI210 \(gfx90a\): 64 GiB, 104 CUs, 1\.6 TB\/s each/)
  assert.deepEqual(lines.slice(-3), [
    'hive A: GPU 0-1, joined by xGMI',
    'hive B: GPU 2-3, joined by xGMI',
    'between them and to other GPUs: PCIe',
  ])
})

test('gpuTable() counts the cards of partitions, and says whose memory an APU has', () => {
  assert.match(gpuTable(gpusOf(mi300xDpx(2))), /^\dx AMD Instinct MI300X OAM \(gfx942\) on 2 cards: 96 GiB, 152 CUs/)
  assert.match(gpuTable(gpusOf(apu())), /108 GiB of the host, 40 CUs;/)
})

test('ranges() joins what follows each other', () => {
  assert.equal(ranges([7, 0, 1, 2, 5]), '0-2, 5, 7')
  assert.equal(ranges([]), '')
})

test('linkMatrix() shows each pair once as the driver lists it', () => {
  const links = [
    { type: 'xgmi', from: 0, to: 1, weight: 15 },
    { type: 'pcie', from: 1, to: 0 },
  ] as const
  assert.deepEqual(
    linkMatrix(gpusOf(mi300x(2)), links)
      .split('\n')
      .slice(0, 3),
    ['   0  1', '0  .  X15', '1  P  .'],
  )
})

test('readingTable() shows what the driver tells and a dash for the rest', () => {
  const [head, busy, silent] = readingTable(gpusOf(mi300x(2)), [
    {
      ...{ gpus: [0], busy: 0.5, memoryBusy: 0.25, vramUsedBytes: 2 ** 36, vramTotalBytes: 2 ** 37, powerWatts: 412.4, powerCapWatts: 750 },
      ...{ temperatures: { junction: 61.2, memory: 50 }, clocks: { graphics: 2.1e9 }, throttle: { now: true } },
    },
    { gpus: [1], temperatures: {}, clocks: {}, resetting: true },
  ]).split('\n')
  assert.match(head ?? '', /^GPU +PRODUCT +BUSY +MEM +VRAM/)
  assert.match(busy ?? '', /^0 +MI300X +50% +25% +\|###### {6}\| +64 GiB of 128 GiB +412 W of 750 +61 C, mem 50 C +2100 MHz +throttled$/)
  assert.match(silent ?? '', /^1 +MI300X +- +- +- .* in reset or suspended$/)
})

test('holderLines() names who holds memory of these GPUs, and nobody of others', () => {
  const [first, second] = gpusOf(mi300x(2)).map(({ gpuId }) => gpuId ?? 0)
  assert.ok(first !== undefined && second !== undefined)
  const holders = [
    { hostPid: 7, gpuId: first, vramBytes: 2 ** 36 },
    { hostPid: 7, gpuId: second, vramBytes: 2 ** 36 },
    { hostPid: 9, gpuId: 1, vramBytes: 5 },
  ]
  assert.deepEqual(holderLines(gpusOf(mi300x(2)), holders), ['', 'host pid 7 holds 128 GiB on GPU 0-1'])
  assert.deepEqual(holderLines(gpusOf(mi300x(2)), []), [])
})
