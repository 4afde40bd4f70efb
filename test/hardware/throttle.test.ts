import assert from 'node:assert/strict'
import { test } from 'node:test'
import { parseThrottle } from '../../src/hardware/throttle.ts'

/** A table of a size and version, filled with ones as the driver does, with words of 32 bits at offsets. */
const table = (size: number, format: number, content: number, words: Readonly<Record<number, number>> = {}): Buffer => {
  const bytes = Buffer.alloc(size, 0xff)
  bytes.writeUInt16LE(size, 0)
  bytes.writeUInt8(format, 2)
  bytes.writeUInt8(content, 3)
  for (const [at, value] of Object.entries(words)) bytes.writeUInt32LE(value, Number(at))
  return bytes
}

const none = { prochot: 0, power: 0, socket_thermal: 0, regulator_thermal: 0, memory_thermal: 0 }

/** Sizes and offsets: kgd_pp_interface.h. */
const rows: readonly [claim: string, bytes: Buffer, expected: ReturnType<typeof parseThrottle>][] = [
  ['1.3 (Radeon, MI200): free', table(120, 1, 3, { 68: 0 }), { now: false }],
  ['1.3: held back', table(120, 1, 3, { 68: 0x10 }), { now: true }],
  ['1.3: the firmware does not tell', table(120, 1, 3), undefined],
  ['1.4 (first MI300)', table(288, 1, 4, { 40: 1 }), { now: true }],
  ['1.5', table(328, 1, 5, { 72: 0 }), { now: false }],
  ['1.6: cycles by cause', table(1664, 1, 6, { 36: 0, 40: 7, 44: 0, 48: 0, 52: 0 }), { cycles: { ...none, power: 7 } }],
  ['1.7', table(2208, 1, 7, { 44: 1, 48: 0, 52: 0, 56: 0, 60: 0 }), { cycles: { ...none, prochot: 1 } }],
  ['1.8 with one counter that is not told', table(3500, 1, 8, { 44: 1, 48: 0, 52: 0, 56: 0 }), undefined],
  ['1.9: not known yet', table(400, 1, 9), undefined],
  ['2.4 and 3.0 of APUs', table(400, 3, 0), undefined],
  ['shorter than its header says', table(120, 1, 3, { 68: 1 }).subarray(0, 100), undefined],
  ['shorter than its version needs', table(60, 1, 3), undefined],
  ['empty', Buffer.alloc(0), undefined],
]

for (const [claim, bytes, expected] of rows) {
  test(`parseThrottle() ${claim}`, () => assert.deepEqual(parseThrottle(bytes), expected))
}
