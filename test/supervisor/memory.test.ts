import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { type Held, heldSince, type MemoryReading } from '../../src/supervisor/memory.ts'
import { generator } from '../random.ts'

const reading = (used: number, holders: Readonly<Record<number, number>> = {}): MemoryReading => ({
  used: { a: used },
  holders: Object.entries(holders).map(([pid, bytes]) => ({ pid: Number(pid), used: { a: bytes } })),
})
const tolerance = (): number => 10
const held = (before: MemoryReading, atEnd: MemoryReading, now: MemoryReading): readonly Held[] =>
  heldSince({ before, atEnd, now }, tolerance)

describe('heldSince()', () => {
  const rows: readonly [claim: string, before: MemoryReading, atEnd: MemoryReading, now: MemoryReading, held: readonly Held[]][] = [
    ['nothing when the level is back', reading(300), reading(900, { 7: 600 }), reading(300), []],
    ['nothing within the tolerance', reading(300), reading(900, { 7: 600 }), reading(310), []],
    [
      'what the engine left, with its process',
      reading(300),
      reading(900, { 7: 600 }),
      reading(800, { 7: 500 }),
      [{ device: 'a', bytes: 500, holders: [{ pid: 7, bytes: 500 }] }],
    ],
    ['what nobody is known to hold', reading(300), reading(900, { 7: 600 }), reading(800), [{ device: 'a', bytes: 500, holders: [] }]],
    ['not what a neighbour took who came after the end', reading(300), reading(900, { 7: 600 }), reading(1300, { 8: 1000 }), []],
    [
      'not what a neighbour took in addition who was there before',
      reading(300, { 8: 100 }),
      reading(900, { 7: 600, 8: 100 }),
      reading(700, { 8: 500 }),
      [],
    ],
    [
      'what is left although a neighbour went meanwhile: his memory does not hide it',
      reading(300),
      reading(900, { 7: 600 }),
      reading(600, { 7: 300 }),
      [{ device: 'a', bytes: 300, holders: [{ pid: 7, bytes: 300 }] }],
    ],
    ['nothing of a device that was not read before', { used: {}, holders: [] }, reading(900), reading(900), []],
  ]
  for (const [claim, before, atEnd, now, expected] of rows) test(claim, () => assert.deepEqual(held(before, atEnd, now), expected))

  test('random worlds: engine memory left behind is found whatever the neighbours do, and neighbours alone are never blamed on it', () => {
    const seed = Number(process.env.AIM_TEST_SEED ?? Math.floor(Math.random() * 2 ** 31))
    const random = generator(seed)
    const some = (): number => Math.floor(random() * 1000)
    for (let world = 0; world < 5000; world++) {
      const [base, neighbour, grown, newcomer, left] = [some(), some(), some(), random() < 0.5 ? some() : 0, random() < 0.5 ? some() : 0]
      const before = reading(base + neighbour, { 8: neighbour })
      const atEnd = reading(base + neighbour + 600, { 8: neighbour, 7: 600 })
      const now = reading(base + neighbour + grown + newcomer + left, {
        8: neighbour + grown,
        ...(newcomer > 0 ? { 9: newcomer } : {}),
        ...(left > 0 ? { 7: left } : {}),
      })
      const bytes = held(before, atEnd, now).map((device) => device.bytes)
      assert.deepEqual(bytes, left > 10 ? [left] : [], `AIM_TEST_SEED=${seed}, world ${world}`)
    }
  })
})
