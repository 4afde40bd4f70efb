import assert from 'node:assert/strict'
import { test } from 'node:test'
import { impliedMemoryPartition, impliedPartition, peakBandwidth, productOf } from '../../src/hardware/products.ts'

const rows: readonly [id: string, revision: string | undefined, product: string | undefined, name: string | undefined][] = [
  ['738c', '01', 'MI100', 'AMD Instinct MI100'],
  ['740f', '02', 'MI210', 'AMD Instinct MI210'],
  ['7410', undefined, 'MI210', 'AMD Instinct MI210'],
  ['7408', '00', 'MI250X', 'AMD Instinct MI250X'],
  ['740c', '01', 'MI250X', 'AMD Instinct MI250X / MI250'],
  ['74a0', '00', 'MI300A', 'AMD Instinct MI300A'],
  ['74a1', '00', 'MI300X', 'AMD Instinct MI300X'],
  ['74b5', '00', 'MI300X', 'AMD Instinct MI300X VF'],
  ['74a9', '00', 'MI300X', 'AMD Instinct MI300X HF'],
  ['74a2', '00', 'MI308X', 'AMD Instinct MI308X'],
  ['74a8', '00', 'MI308X', 'AMD Instinct MI308X HF'],
  ['74a5', '00', 'MI325X', 'AMD Instinct MI325X'],
  ['75a0', '00', 'MI350X', 'AMD Instinct MI350X'],
  ['75a3', '00', 'MI355X', 'AMD Instinct MI355X'],
  ['75b3', '00', 'MI355X', 'AMD Instinct MI355X VF'],
  ['75a8', undefined, 'MI350P', 'AMD Instinct MI350P'],
  ['7460', '00', 'V710', 'AMD Radeon Pro V710'],
  ['7448', '00', 'W7900', 'AMD Radeon Pro W7900'],
  ['745e', 'cc', 'W7800', 'AMD Radeon Pro W7800'],
  ['744c', 'c8', 'RX7900', 'AMD Radeon RX 7900 XTX'],
  ['744c', 'cc', 'RX7900', 'AMD Radeon RX 7900 XT'],
  ['744c', 'ce', 'RX7900', 'AMD Radeon RX 7900 GRE'],
  ['744c', 'cf', 'RX7900', 'AMD Radeon RX 7900M'],
  ['744c', undefined, 'RX7900', 'AMD Radeon RX 7900'],
  ['744c', '99', 'RX7900', 'AMD Radeon RX 7900'],
  ['7550', 'c0', 'RX9070', 'AMD Radeon RX 9070 XT'],
  ['7550', 'c3', 'RX9070', 'AMD Radeon RX 9070'],
  ['7551', 'c0', 'R9700', 'AMD Radeon AI PRO R9700'],
  ['7551', 'c8', 'R9700', 'AMD Radeon AI PRO R9600D'],
  ['7590', 'c0', 'RX9060', 'AMD Radeon RX 9060 XT'],
  ['1586', 'c1', 'RYZENAIMAX', 'AMD Radeon 8060S'],
  ['ffff', 'c0', undefined, undefined],
]

test('productOf() names a product by id, and the model by revision', () => {
  for (const [id, revision, product, name] of rows) {
    const found = productOf(id, revision)
    assert.deepEqual([found?.product, found?.name], [product, name], `${id} ${revision}`)
  }
  assert.equal(productOf(undefined), undefined)
})

test('peakBandwidth() agrees with the data sheets within a percent', () => {
  const cases: readonly ['HBM2' | 'HBM3' | 'GDDR6', number, number, number][] = [
    ['HBM3', 8192, 1300, 5324.8],
    ['HBM2', 4096, 1600, 1638],
    ['GDDR6', 384, 1250, 960],
    ['GDDR6', 256, 1250, 640],
  ]
  for (const [memory, width, clock, gigabytes] of cases) {
    const bytes = peakBandwidth(memory, width, clock) ?? 0
    assert.ok(Math.abs(bytes / 1e9 - gigabytes) < gigabytes / 100, `${memory} ${width} ${clock}: ${bytes}`)
  }
  assert.equal(peakBandwidth('LPDDR5X', 256, 1000), undefined)
})

test('impliedPartition() follows from the share of XCCs', () => {
  const cases: readonly [xcc: number, total: number, mode: string | undefined][] = [
    [8, 8, 'SPX'],
    [4, 8, 'DPX'],
    [2, 8, 'QPX'],
    [1, 8, 'CPX'],
    [4, 4, 'SPX'],
    [1, 4, 'CPX'],
    [2, 6, 'TPX'],
    [1, 6, 'CPX'],
    [3, 8, undefined],
    [9, 8, undefined],
  ]
  for (const [xcc, total, mode] of cases) assert.equal(impliedPartition(xcc, total), mode, `${xcc} of ${total}`)
})

test('impliedMemoryPartition() follows from banks that are not equal, and from nothing else', () => {
  const [whole, less] = [48 * 2 ** 30, 48 * 2 ** 30 - 16 * 2 ** 20]
  const cases: readonly [banks: readonly number[], mode: string | undefined][] = [
    [[whole, whole, whole, less], 'NPS4'],
    [[whole, less], 'NPS2'],
    [[whole, whole, whole, whole, whole, whole, less, less], 'NPS4'],
    [[whole, whole, whole, whole], undefined],
    [[whole, whole, less], undefined],
    [[whole, whole, less, less - 1], undefined],
    [[whole, whole, whole, whole / 2], undefined],
    [[], undefined],
  ]
  for (const [banks, mode] of cases) assert.equal(impliedMemoryPartition(banks), mode, banks.join(' '))
})
