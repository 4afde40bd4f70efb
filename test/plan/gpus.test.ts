import assert from 'node:assert/strict'
import { test } from 'node:test'
import { chooseGpus, visibleDevices } from '../../src/plan/gpus.ts'
import { questionOf, usableGpus } from '../../src/plan/question.ts'
import { type kinds, profile } from '../recipes/worlds.ts'
import { inventory, machineGpus, request } from './worlds.ts'

const choose = (names: readonly (keyof typeof kinds)[], given: Parameters<typeof profile>[0], asked = request()) => {
  const machine = inventory(machineGpus(...names))
  const usable = usableGpus(asked, machine)
  return chooseGpus(profile(given), questionOf(asked, machine), usable, machine, asked)
}

test('the first GPUs of one kind are used and the idle ones named', () => {
  const { gpus, reasons } = choose(['R9700', 'MI300X', 'R9700', 'MI300X', 'MI300X'], { gpuCount: 2 })
  assert.deepEqual(
    gpus.map(({ index }) => index),
    [1, 3],
  )
  assert.deepEqual(reasons, [
    'uses GPU 1, 3: the first of one kind that fit',
    'the GPUs are of 2 kinds: 2x R9700 (GPU 0, 2), 3x MI300X (GPU 1, 3, 4); one model runs on equal ones only, here MI300X',
    'leaves GPU 0, 2, 4 idle: the profile is for 2',
  ])
})

test('a whole GPU and partitions of the same product are two kinds', () => {
  const machine = inventory(
    machineGpus('MI300X', 'MI300X', 'MI300X').map((gpu, at) => ({ ...gpu, computePartition: at === 0 ? 'SPX' : 'CPX' })),
  )
  const asked = request()
  const { gpus, reasons } = chooseGpus(profile({ gpuCount: 2 }), questionOf(asked, machine), usableGpus(asked, machine), machine, asked)
  assert.deepEqual(
    gpus.map(({ index }) => index),
    [1, 2],
  )
  assert.match(reasons[1] ?? '', /of 2 kinds: 1x MI300X SPX \(GPU 0\), 2x MI300X CPX \(GPU 1, 2\).*here MI300X CPX/)
})

test('of equal GPUs those are used that go best together, and why is said', () => {
  const machine = inventory(
    machineGpus('MI300X', 'MI300X', 'MI300X', 'MI300X').map((gpu, at) => ({
      ...gpu,
      hiveId: '7',
      numaNode: at < 2 ? 0 : 1,
      vramUsedBytes: at === 0 ? 2 ** 36 : 0,
    })),
  )
  const asked = request()
  const { gpus, reasons } = chooseGpus(profile({ gpuCount: 2 }), questionOf(asked, machine), usableGpus(asked, machine), machine, asked)
  assert.deepEqual(
    gpus.map(({ index }) => index),
    [2, 3],
  )
  assert.equal(reasons[0], 'uses GPU 2, 3: one NUMA node (1), the least memory in use')
})

test('a product that was named is the product of every GPU, and a reason', () => {
  const asked = request({ gpuModel: 'MI325X' })
  const { gpus, reasons } = choose(['MI300X'], { gpu: 'MI325X' }, asked)
  assert.equal(gpus[0]?.product, 'MI325X')
  assert.match(reasons[0] ?? '', /taken for MI325X, as asked for/)
})

test('a launch on the CPU uses none', () => {
  assert.deepEqual(choose(['MI300X'], { gpu: 'CPU', gpuCount: 0 }).gpus, [])
})

const all = machineGpus('MI300X', 'MI300X', 'MI300X', 'MI300X')
const [a, b, c] = all

test('the mask names the chosen GPUs by index, and only when some are left out', () => {
  assert.ok(a && b && c)
  assert.deepEqual(visibleDevices([b, c], all, {}), { HIP_VISIBLE_DEVICES: '1,2' })
  assert.deepEqual(visibleDevices(all, all, {}), {})
  assert.deepEqual(visibleDevices([], all, {}), {})
})

test('a chosen GPU is named by its position among those that ROCR leaves, and CUDA as HIP', () => {
  // As detection numbers them under HIP_VISIBLE_DEVICES=6,6,GPU-3a: the entries repeat, and one is a UUID.
  const two = all.slice(0, 2).map((gpu, at) => ({ ...gpu, ordinal: [6, 3][at] ?? 0 }))
  const [first, second] = two
  assert.ok(first && second)
  assert.deepEqual(visibleDevices([second], two, { HIP_VISIBLE_DEVICES: '6,6,GPU-3a' }), { HIP_VISIBLE_DEVICES: '3' })
  assert.deepEqual(visibleDevices([first], two, { CUDA_VISIBLE_DEVICES: '6,3' }), { HIP_VISIBLE_DEVICES: '6', CUDA_VISIBLE_DEVICES: '6' })
  assert.deepEqual(visibleDevices([first], two, { HIP_VISIBLE_DEVICES: '' }), { HIP_VISIBLE_DEVICES: '6' })
})
