import assert from 'node:assert/strict'
import { test } from 'node:test'
import { mountOf, parseMounts } from '../../src/hardware/mounts.ts'
import { noGpu } from '../fixtures/hardware/machines.ts'
import { inMemory, over } from '../fixtures/hardware/tree.ts'

const text = [
  '608 512 0:45 / / rw,relatime master:229 - overlay overlay rw,lowerdir=/a:/b,upperdir=/c',
  '609 608 0:48 / /proc rw,nosuid - proc proc rw',
  '610 608 8:1 /data /workspace/model-cache rw,relatime - ext4 /dev/sda1 rw,discard',
  '611 610 0:60 / /workspace/model-cache rw shared:1 master:2 - nfs4 10.0.0.1:/models rw',
  '612 608 0:61 / /mnt/with\\040space rw - fuse.gcsfuse bucket rw',
  'garbage',
  '',
].join('\n')

const on = (path: string) => mountOf(inMemory(over(noGpu(), { files: { '/proc/self/mountinfo': text } })).fs, path)

test('mountOf() finds the deepest mount above a path, and of two at one place the later', () => {
  assert.deepEqual(on('/workspace/model-cache/hub'), { path: '/workspace/model-cache', type: 'nfs4', source: '10.0.0.1:/models' })
  assert.equal(on('/workspace/model-cache2')?.type, 'overlay')
  assert.equal(on('/mnt/with space/x')?.type, 'fuse.gcsfuse')
  assert.equal(on('/')?.type, 'overlay')
})

test('mountOf() knows nothing without mountinfo, and takes garbage for nothing', () => {
  assert.equal(mountOf(inMemory(noGpu()).fs, '/'), undefined)
  assert.deepEqual(parseMounts('\u0000\n1 2 3 4\n - - -\n'), [])
})
