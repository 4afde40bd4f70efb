import assert from 'node:assert/strict'
import { test } from 'node:test'
import { readTopology } from '../../src/hardware/kfd.ts'
import { parseRas, readRas, readReadings } from '../../src/hardware/readings.ts'
import { gib } from '../../src/std/bytes.ts'
import { apu, mi300x, mi300xCpx, noGpu, radeon } from '../fixtures/hardware/machines.ts'
import { inMemory, over, patient, type Tree, without } from '../fixtures/hardware/tree.ts'

const gpusOf = (tree: Tree) => readTopology(inMemory(tree).fs).gpus.map((gpu, index) => ({ index, ...gpu }))
const read = (tree: Tree) => readReadings(patient(tree), gpusOf(tree))

const device = (bus: string) => `/sys/devices/pci0000:00/0000:${bus}:00.0`

/** gpu_metrics 1.7: header, then the five residencies at 44. */
const metrics17 = (): string => {
  const table = Buffer.alloc(2208)
  table.writeUInt16LE(2208, 0)
  table.writeUInt8(1, 2)
  table.writeUInt8(7, 3)
  for (const [at, value] of [0, 31, 0, 0, 2].entries()) table.writeUInt32LE(value, 44 + 4 * at)
  return table.toString('latin1')
}

const busy = (tree: Tree, bus: string): Tree =>
  over(tree, {
    files: {
      [`${device(bus)}/gpu_busy_percent`]: '97\n',
      [`${device(bus)}/mem_busy_percent`]: '35\n',
      [`${device(bus)}/hwmon/hwmon7/power1_input`]: '612000000\n',
      [`${device(bus)}/hwmon/hwmon7/power1_cap`]: '750000000\n',
      [`${device(bus)}/hwmon/hwmon7/temp2_input`]: '71000\n',
      [`${device(bus)}/hwmon/hwmon7/temp3_input`]: '64000\n',
      [`${device(bus)}/hwmon/hwmon7/freq1_input`]: '2100000000\n',
      [`${device(bus)}/hwmon/hwmon7/freq2_input`]: '1300000000\n',
      [`${device(bus)}/gpu_metrics`]: metrics17(),
      [`${device(bus)}/ras/umc_err_count`]: 'ue: 0\nce: 12\n',
      [`${device(bus)}/ras/gfx_err_count`]: 'ue: 1\nce: 0\n',
      [`${device(bus)}/ras/features`]: 'feature mask: 0x0\n',
    },
  })

test('readReadings() reads a working MI300X', async () => {
  const [first] = await read(busy(mi300x(1), '11'))
  assert.deepEqual(first, {
    ...{ package: '0000:11:00.0', gpus: [0], vramTotalBytes: 192 * gib(1) - 16 * 2 ** 20, vramUsedBytes: 300 * 2 ** 20 },
    ...{ busy: 0.97, memoryBusy: 0.35, powerWatts: 612, powerCapWatts: 750 },
    ...{ temperatures: { junction: 71, memory: 64 }, clocks: { graphics: 2.1e9, memory: 1.3e9 } },
    throttle: { cycles: { prochot: 0, power: 31, socket_thermal: 0, regulator_thermal: 0, memory_thermal: 2 } },
    ...{ computePartition: 'SPX', memoryPartition: 'NPS1' },
  })
})

test('readReadings() gives one reading for the partitions of a package, and none for no GPU', async () => {
  const readings = await read(mi300xCpx(2))
  assert.deepEqual(
    readings.map(({ gpus, vramUsedBytes }) => [gpus.length, vramUsedBytes]),
    [
      [8, 300 * 2 ** 20],
      [8, 300 * 2 ** 20],
    ],
  )
  assert.deepEqual(await read(noGpu()), [])
})

test('readReadings() finds the package of a partition whose primary was not given to us', async () => {
  const tree = mi300xCpx(1)
  const [reading] = await readReadings(patient(tree), gpusOf(tree).slice(3, 5))
  assert.deepEqual([reading?.package, reading?.gpus, reading?.computePartition], ['0000:11:00.0', [3, 4], 'CPX'])
})

test('readReadings() leaves out what the kernel does not offer', async () => {
  const [reading] = await read(radeon())
  assert.deepEqual(Object.keys(reading ?? {}).sort(), ['clocks', 'gpus', 'package', 'temperatures', 'vramTotalBytes', 'vramUsedBytes'])
  assert.deepEqual([reading?.temperatures, reading?.clocks], [{}, {}])
})

test('readReadings() takes the older name of the power', async () => {
  const sensor = `${device('03')}/hwmon/hwmon2/power1_average`
  assert.equal((await read(over(radeon(), { files: { [sensor]: '25000000\n' } })))[0]?.powerWatts, 25)
})

test('readReadings() asks a GPU in reset for nothing more, and says so', async () => {
  const [reading] = await read(over(busy(mi300x(1), '11'), { errors: { [`${device('11')}/mem_info_vram_used`]: 'EBUSY' } }))
  assert.deepEqual(reading, { package: '0000:11:00.0', gpus: [0], temperatures: {}, clocks: {}, resetting: true })
})

test("readReadings() falls back to KFD's own count where no device is visible", async () => {
  const [reading] = await read(without(mi300x(1), /^\/sys\/(class\/drm|bus|devices)/))
  assert.deepEqual(reading, { package: '0000:11:00.0', gpus: [0], temperatures: {}, clocks: {}, vramUsedBytes: 300 * 2 ** 20 })
})

test('readReadings() never asks for pcie_bw, and reads less than twenty files of a GPU', async () => {
  const tree = busy(mi300x(1), '11')
  const { fs, calls } = inMemory(tree)
  const files = patient(tree)
  await readReadings({ ...files, readText: async (path) => fs.readText(path), list: async (path) => fs.list(path) }, gpusOf(tree))
  assert.ok(calls.length < 20, calls.join('\n'))
  assert.deepEqual(
    calls.filter((call) => call.includes('pcie_bw')),
    [],
  )
})

const noise = ['', '\n', '-5', 'x', '\u0000\u00ff', '99999999999999999999', 'N/A', 'a'.repeat(70_000)]

test('readReadings() reads no value out of garbage, in any file', async () => {
  const tree = busy(mi300x(1), '11')
  for (const path of Object.keys(tree.files).filter((name) => name.startsWith(device('11')))) {
    for (const text of noise) {
      const [reading] = await read(over(tree, { files: { [path]: text } }))
      for (const value of Object.values({ ...reading, ...reading?.clocks, ...reading?.temperatures })) {
        assert.ok(typeof value !== 'number' || (Number.isFinite(value) && value >= 0), `${path} ${JSON.stringify(text)}`)
      }
    }
  }
})

test('readRas() counts by block', async () => {
  const tree = busy(mi300x(1), '11')
  const [gpu] = gpusOf(tree)
  assert.ok(gpu)
  assert.deepEqual(await readRas(patient(tree), gpu, [gpu]), [
    { block: 'gfx', correctable: 0, uncorrectable: 1 },
    { block: 'umc', correctable: 12, uncorrectable: 0 },
  ])
})

test('readRas() knows nothing of a card without RAS', async () => {
  const [gpu] = gpusOf(apu())
  assert.ok(gpu)
  assert.deepEqual(await readRas(patient(apu()), gpu, [gpu]), [])
})

test('parseRas() takes both counts or none', () => {
  assert.deepEqual(parseRas('ue: 2\nce: 3\n'), { uncorrectable: 2, correctable: 3 })
  for (const text of ['', 'ue: 2\n', 'ce: 3', 'ue: -1\nce: 0', 'ue 1\nce 1']) assert.equal(parseRas(text), undefined)
})
