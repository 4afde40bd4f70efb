import assert from 'node:assert/strict'
import { test } from 'node:test'
import { applyOverride } from '../../src/hardware/override.ts'

const gpus = [
  { node: 1, gfx: 'gfx1103' },
  { node: 2, gfx: 'gfx1100' },
]

test('applyOverride() leaves GPUs alone without the variable', () => {
  assert.deepEqual(applyOverride(gpus, {}), { gpus, oddities: [] })
})

test('applyOverride() gives every GPU the version and states each change', () => {
  const { gpus: seen, oddities } = applyOverride(gpus, { HSA_OVERRIDE_GFX_VERSION: '11.0.0' })
  assert.deepEqual(
    seen.map(({ gfx }) => gfx),
    ['gfx1100', 'gfx1100'],
  )
  assert.deepEqual(oddities, ['KFD node 1 is gfx1103, and HSA_OVERRIDE_GFX_VERSION makes it gfx1100'])
})

test('applyOverride() takes a node number over the variable for all', () => {
  const environment = { HSA_OVERRIDE_GFX_VERSION: '11.0.0', HSA_OVERRIDE_GFX_VERSION_2: '9.0.10' }
  assert.deepEqual(
    applyOverride(gpus, environment).gpus.map(({ gfx }) => gfx),
    ['gfx1100', 'gfx90a'],
  )
})

for (const value of ['', '11', '11.0', 'gfx1100', '11.0.0.0', '64.0.0', '11.0.256', '11.0.0 ']) {
  test(`applyOverride() is blocked by "${value}", because ROCm is`, () => {
    assert.match(applyOverride(gpus, { HSA_OVERRIDE_GFX_VERSION: value }).blocked?.reason ?? '', /fails for all GPUs/)
    assert.equal(applyOverride([], { HSA_OVERRIDE_GFX_VERSION: value }).blocked, undefined)
  })
}
