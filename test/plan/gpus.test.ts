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
  assert.deepEqual(reasons, ['uses GPU 1, 3: the first of one kind that fit', 'leaves GPU 0, 2, 4 idle: the profile is for 2'])
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

test("a mask of the user is narrowed to its own entries, HIP's before CUDA's, and both stay equal", () => {
  assert.ok(a && b && c)
  const two = [a, b]
  assert.deepEqual(visibleDevices([b], two, { HIP_VISIBLE_DEVICES: '6, 3' }), { HIP_VISIBLE_DEVICES: '3' })
  assert.deepEqual(visibleDevices([a], two, { CUDA_VISIBLE_DEVICES: '6,3' }), { HIP_VISIBLE_DEVICES: '6', CUDA_VISIBLE_DEVICES: '6' })
  assert.deepEqual(visibleDevices([a], two, { HIP_VISIBLE_DEVICES: '' }), { HIP_VISIBLE_DEVICES: '0' })
  // An entry that names no GPU ends the list, so what counts stands before it.
  assert.deepEqual(visibleDevices([b], two, { HIP_VISIBLE_DEVICES: '6,3,99' }), { HIP_VISIBLE_DEVICES: '3' })
})
