import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type MemoryFacts, sharesHostMemory } from '../../src/hardware/apu.ts'
import { gib } from '../../src/std/bytes.ts'

const none: MemoryFacts = { deviceId: undefined, gfx: undefined, vramBytes: undefined, vramTotal: undefined }

const rows: readonly [claim: string, facts: Partial<MemoryFacts>, shares: boolean][] = [
  ['a Strix Halo with a small carve-out does', { deviceId: '1586', vramBytes: gib(110), vramTotal: gib(0.5) }, true],
  ['a Strix Halo with a large carve-out does not', { deviceId: '1586', vramBytes: gib(96), vramTotal: gib(96) }, false],
  ['an MI300A, whose own memory is 0, does', { deviceId: '74a0', vramBytes: gib(120), vramTotal: 0 }, true],
  ['an APU whose sizes are not known does', { deviceId: '1586' }, true],
  ['an unknown id with an APU gfx does', { gfx: 'gfx1103' }, true],
  ['an unknown id whose bank is far larger than the device does', { vramBytes: gib(60), vramTotal: gib(4) }, true],
  ['an unknown id otherwise does not', { gfx: 'gfx1201', vramBytes: gib(32), vramTotal: gib(32) }, false],
  ['a partition, smaller than its device, does not', { gfx: 'gfx942', vramBytes: gib(24), vramTotal: gib(192) }, false],
  ['a known discrete GPU does not, whatever the sizes', { deviceId: '74a1', vramBytes: gib(192), vramTotal: gib(1) }, false],
  ['nothing known does not', {}, false],
]

for (const [claim, facts, shares] of rows) {
  test(`sharesHostMemory(): ${claim}`, () => assert.equal(sharesHostMemory({ ...none, ...facts }), shares))
}
