import assert from 'node:assert/strict'
import { mkdirSync, mkdtempSync, readdirSync, readlinkSync, realpathSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, test } from 'node:test'
import { linkModel } from '../../../src/cli/amd/model-link.ts'

let root: string
const snapshot = (commit: string) => {
  const path = join(root, 'hub/models--a--m/snapshots', commit)
  mkdirSync(path, { recursive: true })
  return path
}
beforeEach(() => {
  root = realpathSync(mkdtempSync(join(tmpdir(), 'aim-link-')))
})
afterEach(() => rmSync(root, { recursive: true }))

test('the link leads to the snapshot, and to a newer one when it is made again', () => {
  for (const commit of ['1', '2', '2']) {
    const path = snapshot(commit)
    assert.equal(linkModel(join(root, 'hub'), 'a/m', path), join(root, 'a/m'))
    assert.equal(realpathSync(join(root, 'a/m')), path)
  }
  assert.equal(readlinkSync(join(root, 'a/m')), '../hub/models--a--m/snapshots/2')
  assert.deepEqual(readdirSync(join(root, 'a')), ['m'])
})

test('a directory of somebody else stays, and nothing is left beside it', () => {
  mkdirSync(join(root, 'a/m/own'), { recursive: true })
  assert.equal(linkModel(join(root, 'hub'), 'a/m', snapshot('1')), snapshot('1'))
  assert.deepEqual([readdirSync(join(root, 'a')), readdirSync(join(root, 'a/m'))], [['m'], ['own']])
})

test('a cache of another layout gets no link', () => {
  assert.equal(linkModel(join(root, 'elsewhere'), 'a/m', snapshot('1')), snapshot('1'))
  assert.deepEqual(readdirSync(root), ['hub'])
})
