import assert from 'node:assert/strict'
import { test } from 'node:test'
import { detect } from '../../src/hardware/detect.ts'
import type { Gpu, Inventory } from '../../src/hardware/inventory.ts'
import { machines } from '../fixtures/hardware/machines.ts'
import { inMemory } from '../fixtures/hardware/tree.ts'

/** A GPU in a few words: product, gfx, CUs, XCCs, MiB, modes, package and minor. */
const inWords = ({ product, gfx, computeUnits, xcc, vramBytes, computePartition, memoryPartition, pci, renderMinor }: Gpu): string =>
  [
    product ?? '-',
    gfx,
    computeUnits,
    xcc,
    (vramBytes ?? 0) / 2 ** 20,
    `${computePartition ?? '-'}/${memoryPartition ?? '-'}`,
    pci,
    renderMinor,
  ].join(' ')

type Row = {
  readonly machine: string
  readonly count: number
  /** Some of the GPUs by index. */
  readonly gpus?: Readonly<Record<number, string>>
  readonly hidden?: number
  readonly blocked?: RegExp
  readonly check?: (inventory: Inventory) => void
}

const rows: readonly Row[] = [
  { machine: 'mi300x', count: 8, gpus: { 7: 'MI300X gfx942 304 8 196592 SPX/NPS1 0000:49:00.0 184' } },
  {
    machine: 'mi300xCpx',
    count: 8,
    gpus: { 0: 'MI300X gfx942 38 1 24576 CPX/NPS4 0000:11:00.0 128', 7: 'MI300X gfx942 38 1 24568 CPX/NPS4 0000:11:00.7 135' },
  },
  {
    machine: 'mi300xDpx',
    count: 4,
    gpus: { 2: 'MI300X gfx942 152 4 98304 DPX/NPS2 0000:19:00.0 136', 3: 'MI300X gfx942 152 4 98288 DPX/NPS2 0000:19:00.1 137' },
  },
  { machine: 'mi300xQpx', count: 4, gpus: { 3: 'MI300X gfx942 76 2 49136 QPX/NPS4 0000:11:00.3 131' } },
  {
    machine: 'mi300xMixedModes',
    count: 9,
    gpus: { 0: 'MI300X gfx942 304 8 196592 SPX/NPS1 0000:11:00.0 128', 8: 'MI300X gfx942 38 1 24568 CPX/NPS4 0000:19:00.7 143' },
  },
  { machine: 'mi300xVf', count: 1, gpus: { 0: 'MI300X gfx942 304 8 196592 -/- 0002:00:00.0 128' } },
  { machine: 'mi308xCpx', count: 32, gpus: { 31: 'MI308X gfx942 20 1 49136 CPX/NPS4 0000:49:00.3 187' } },
  { machine: 'mi355x', count: 8, gpus: { 0: 'MI355X gfx950 256 8 294896 SPX/NPS1 0000:11:00.0 128' } },
  { machine: 'mi355xDpx', count: 16, gpus: { 1: 'MI355X gfx950 128 4 147440 DPX/NPS2 0000:11:00.1 129' } },
  {
    machine: 'mi300a',
    count: 4,
    gpus: { 3: 'MI300A gfx942 228 6 122880 SPX/NPS1 0000:29:00.0 152' },
    check: ({ gpus }) => assert.ok(gpus.every(({ sharesHostMemory, vramUsedBytes }) => sharesHostMemory && vramUsedBytes === undefined)),
  },
  { machine: 'mi250x', count: 4, gpus: { 1: 'MI250X gfx90a 110 1 65520 -/- 0000:2d:00.0 129' } },
  { machine: 'radeon', count: 1, gpus: { 0: 'RX7900 gfx1100 96 1 24560 -/- 0000:03:00.0 128' } },
  {
    machine: 'radeonBesideApu',
    count: 2,
    gpus: { 0: 'RX7900 gfx1100 96 1 24560 -/- 0000:03:00.0 128', 1: '- gfx1036 2 1 31744 -/- 0000:13:00.0 129' },
    check: ({ gpus }) =>
      assert.deepEqual(
        gpus.map(({ sharesHostMemory }) => sharesHostMemory ?? false),
        [false, true],
      ),
  },
  {
    machine: 'radeonsOfTwoKinds',
    count: 3,
    gpus: { 1: 'R9700 gfx1201 64 1 32624 -/- 0000:04:00.0 129', 2: 'W6800 gfx1030 60 1 32752 -/- 0000:09:00.0 130' },
  },
  { machine: 'instinctsOfTwoKinds', count: 4, gpus: { 3: 'MI210 gfx90a 104 1 65520 -/- 0000:84:00.0 145' } },
  { machine: 'apu', count: 1, gpus: { 0: 'RYZENAIMAX gfx1151 40 1 110592 -/- 0000:c4:00.0 128' } },
  { machine: 'noGpu', count: 0, check: ({ driver }) => assert.equal(driver, false) },
  { machine: 'noPermission', count: 0, hidden: 8, blocked: /EACCES/ },
  { machine: 'kfdLocked', count: 0, hidden: 8, blocked: /\/dev\/kfd cannot be used \(EINVAL\): the driver has locked it/ },
  {
    machine: 'halfHidden',
    count: 4,
    hidden: 4,
    check: ({ gpus }) =>
      assert.deepEqual(
        gpus.map(({ index, renderMinor }) => [index, renderMinor]),
        [
          [0, 128],
          [1, 144],
          [2, 160],
          [3, 176],
        ],
      ),
  },
  { machine: 'partitionMissing', count: 15, gpus: { 14: 'MI300X gfx942 38 1 24568 CPX/NPS4 0000:19:00.6 142' } },
]

for (const { machine, count, gpus = {}, hidden = 0, blocked, check } of rows) {
  test(`detect() knows ${machine}`, () => {
    const inventory = detect(inMemory(machines[machine]?.() ?? assert.fail('no such machine')).fs, {})
    assert.deepEqual([inventory.gpus.length, inventory.hidden.length], [count, hidden])
    for (const [at, words] of Object.entries(gpus)) assert.equal(inWords(inventory.gpus[Number(at)] ?? assert.fail(at)), words)
    assert.deepEqual(inventory.oddities, [])
    if (blocked === undefined) assert.equal(inventory.blocked, undefined)
    else assert.match(inventory.blocked?.reason ?? '', blocked)
    check?.(inventory)
  })
}

test('every machine of the builder has a row', () =>
  assert.deepEqual(rows.map(({ machine }) => machine).sort(), Object.keys(machines).sort()))
