import assert from 'node:assert/strict'
import { test } from 'node:test'
import { cardNamed, gfxFor } from '../../src/hardware/card-names.ts'

const rows: readonly (readonly [string, string, string])[] = [
  ['mi300x', 'MI300X', 'gfx942'],
  ['AMD Instinct MI355X', 'MI355X', 'gfx950'],
  ['AMD Radeon AI PRO R9700', 'R9700', 'gfx1201'],
  ['Radeon RX 7900 XTX', 'RX7900XTX', 'gfx1100'],
  ['AMD Radeon RX 9070 XT', 'RX9070XT', 'gfx1201'],
  ['NVIDIA H100 80GB HBM3', 'H100 80GB', 'cuda'],
  ['NVIDIA A100-SXM4-40GB', 'A100 40GB', 'cuda'],
  ['NVIDIA GB10 (DGX Spark)', 'GB10', 'cuda'],
  ['NVIDIA RTX 5000 Ada', 'RTX 5000 Ada', 'cuda'],
  ['RTX 5090', 'RTX 5090', 'cuda'],
]

test('cardNamed() knows cards by product, marketing name and the names of published logs', () => {
  for (const [name, product, gfx] of rows) {
    const card = cardNamed(name)
    assert.deepEqual([card?.product, card?.gfx], [product, gfx], name)
  }
  assert.equal(cardNamed('Voodoo 2'), undefined)
})

test('memory that is the host’s is said to be', () => {
  assert.deepEqual(
    ['GB10', 'MI300A', 'MI300X'].map((name) => cardNamed(name)?.unified ?? false),
    [true, true, false],
  )
})

test('gfxFor() gives a GPU without a card the instruction set of its kind', () => {
  const sets = ['gfx1151', 'AMD Instinct MI308', 'AMD Radeon 8060S', 'NVIDIA T4'].map(gfxFor)
  assert.deepEqual(sets, ['gfx1151', 'gfx942', 'gfx1100', 'cuda'])
})
