import assert from 'node:assert/strict'
import { test } from 'node:test'
import { decodeGfx, fp8Format, isApuGfx, supportsPrecision } from '../../src/hardware/gfx.ts'

const versions: readonly [number, string | undefined][] = [
  [90000, 'gfx900'],
  [90006, 'gfx906'],
  [90008, 'gfx908'],
  [90010, 'gfx90a'],
  [90012, 'gfx90c'],
  [90402, 'gfx942'],
  [90500, 'gfx950'],
  [100300, 'gfx1030'],
  [110000, 'gfx1100'],
  [110001, 'gfx1101'],
  [110501, 'gfx1151'],
  [120000, 'gfx1200'],
  [120001, 'gfx1201'],
  [120500, 'gfx1250'],
  [0, undefined],
  [942, undefined],
  [-90402, undefined],
  [9040200, undefined],
  [90402.5, undefined],
  [Number.NaN, undefined],
]

test('decodeGfx() reads the major in decimal and the rest as hex digits', () => {
  for (const [version, gfx] of versions) assert.equal(decodeGfx(version), gfx, String(version))
})

const abilities: readonly [gfx: string | undefined, precision: string, answer: boolean | undefined][] = [
  ['gfx942', 'fp8', true],
  ['gfx950', 'fp8', true],
  ['gfx1201', 'fp8', true],
  ['gfx1250', 'fp8', true],
  ['gfx90a', 'fp8', false],
  ['gfx908', 'fp8', false],
  ['gfx1100', 'fp8', false],
  ['gfx1151', 'fp8', false],
  ['gfx950', 'mxfp4', true],
  ['gfx1250', 'fp4', true],
  ['gfx942', 'fp4', undefined],
  ['gfx1201', 'mxfp4', undefined],
  ['gfx90a', 'bf16', true],
  ['gfx906', 'bf16', false],
  ['gfx942', 'FP8', true],
  ['gfx942', 'bfloat16', true],
  ['gfx942', 'int4', true],
  ['gfx942', 'fp12', undefined],
  ['gfx942', 'constructor', undefined],
  ['gfx1300', 'fp16', undefined],
  [undefined, 'fp16', undefined],
]

test('supportsPrecision() answers by gfx, and not at all where the gfx does not decide', () => {
  for (const [gfx, precision, answer] of abilities) assert.equal(supportsPrecision(gfx, precision), answer, `${gfx} ${precision}`)
})

test('fp8Format() is FNUZ on gfx94x alone', () => {
  const cases: readonly [string | undefined, string | undefined][] = [
    ['gfx940', 'fnuz'],
    ['gfx942', 'fnuz'],
    ['gfx950', 'ocp'],
    ['gfx1200', 'ocp'],
    ['gfx1250', 'ocp'],
    ['gfx1100', undefined],
    ['gfx90a', undefined],
    [undefined, undefined],
  ]
  for (const [gfx, format] of cases) assert.equal(fp8Format(gfx), format, `${gfx}`)
})

test('isApuGfx() knows GPUs that live in a processor', () => {
  for (const gfx of ['gfx90c', 'gfx1036', 'gfx1103', 'gfx1150', 'gfx1151']) assert.equal(isApuGfx(gfx), true, gfx)
  for (const gfx of ['gfx942', 'gfx90a', 'gfx1030', 'gfx1100', 'gfx1201', undefined]) assert.equal(isApuGfx(gfx), false, `${gfx}`)
})
