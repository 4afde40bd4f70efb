import assert from 'node:assert/strict'
import { existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { makeScratch, removeScratch } from '../../src/serve/scratch.ts'

describe('a scratch directory', () => {
  let place = ''
  const temporary = process.env.TMPDIR
  before(() => {
    place = mkdtempSync(join(tmpdir(), 'aim-scratch-'))
    process.env.TMPDIR = place
  })
  after(() => {
    delete process.env.TMPDIR
    if (temporary !== undefined) process.env.TMPDIR = temporary
    rmSync(place, { recursive: true })
  })

  test('is a fresh one, and goes with all that was dropped there', () => {
    const [one, other] = [makeScratch(), makeScratch()]
    assert.notEqual(one, other)
    mkdirSync(join(one, 'sub'))
    writeFileSync(join(one, 'sub/core'), 'x')
    for (const each of [one, other, one]) removeScratch(each)
    assert.deepEqual(readdirSync(place), [])
  })

  test('that cannot be made is the shared one, which stays', () => {
    process.env.TMPDIR = '/proc/self'
    assert.equal(makeScratch(), '/proc/self')
    process.env.TMPDIR = place
    removeScratch(place)
    assert.ok(existsSync(place))
  })

  // What the kernel refuses even to root.
  const stubborn: readonly [claim: string, path: string][] = [
    ['holds what cannot be removed', '/proc/self/fdinfo'],
    ['lies where nothing can be removed', '/proc/self/map_files'],
  ]
  for (const [claim, path] of stubborn)
    test(`that ${claim} is left, and fails nobody`, () => assert.doesNotThrow(() => removeScratch(path)))
})
