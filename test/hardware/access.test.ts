import assert from 'node:assert/strict'
import { test } from 'node:test'
import { checkAccess } from '../../src/hardware/access.ts'
import { readTopology } from '../../src/hardware/kfd.ts'
import { mi300x, noPermission } from '../fixtures/hardware/machines.ts'
import { inMemory, over, type Tree, without } from '../fixtures/hardware/tree.ts'

const check = (tree: Tree) => {
  const { fs } = inMemory(tree)
  const { gpus, hidden } = readTopology(fs)
  return checkAccess(fs, gpus, hidden)
}

const render = '/dev/dri/renderD128'
const second = '/dev/dri/renderD136'

const blockedBy: readonly [claim: string, tree: Tree, reason: RegExp, fix: RegExp][] = [
  [
    '/dev/kfd is absent',
    without(mi300x(8), /^\/dev\/kfd/),
    /^8 GPUs \(MI300X\).*\/dev\/kfd is not in this container/,
    /--device=\/dev\/kfd --device=\/dev\/dri.*amd\.com\/gpu/,
  ],
  [
    'the cgroup denies /dev/kfd',
    over(mi300x(1), { errors: { '/dev/kfd': 'EPERM' } }),
    /^1 GPU \(MI300X\).*cgroup denies \/dev\/kfd/,
    /--device=\/dev\/kfd/,
  ],
  [
    'our user may not use any device',
    noPermission(),
    /\/dev\/kfd and 8 more \(EACCES\)/,
    /^docker run --group-add 109; .*supplementalGroups: \[109\]$/,
  ],
  [
    'one render node of two is closed to us',
    over(mi300x(2), { errors: { [second]: 'EACCES' } }),
    /renderD136 \(EACCES\).*no GPU at all/,
    /--group-add 109;/,
  ],
  [
    'the devices belong to two groups',
    over(noPermission(), { owners: { '/dev/kfd': { uid: 0, gid: 44 } } }),
    /EACCES/,
    /--group-add 44 --group-add 109; .*\[44, 109\]/,
  ],
  ['/dev/kfd fails in another way', over(mi300x(2), { errors: { '/dev/kfd': 'EINVAL' } }), /\/dev\/kfd cannot be used \(EINVAL\)/, /dmesg/],
  ['no render node is there', without(mi300x(2), /^\/dev\/dri/), /^2 GPUs are.*none is given/, /--device=\/dev\/dri/],
  [
    'every node is kept from us',
    over(mi300x(1), { errors: { '/sys/class/kfd/kfd/topology/nodes/2/gpu_id': 'EPERM' } }),
    /^1 GPU is.*none is given/,
    /amd\.com\/gpu/,
  ],
  [
    'every node is in reset',
    over(mi300x(1), { errors: { '/sys/class/kfd/kfd/topology/nodes/2/properties': 'EBUSY' } }),
    /none can be used.*EBUSY/,
    /reset/,
  ],
]

for (const [claim, tree, reason, fix] of blockedBy) {
  test(`checkAccess() is blocked when ${claim}`, () => {
    const { usable, blocked } = check(tree)
    assert.deepEqual(usable, [])
    assert.match(blocked?.reason ?? '', reason)
    assert.match(blocked?.fix ?? '', fix)
  })
}

test('checkAccess() names a way to the group where the owner cannot be asked', () => {
  const { fs } = inMemory(noPermission())
  const { gpus, hidden } = readTopology(fs)
  const { blocked } = checkAccess({ ...fs, owner: () => ({ ok: false, code: 'EACCES' }) }, gpus.slice(0, 1), hidden)
  assert.match(blocked?.fix ?? '', /--group-add \$\(stat -c %g \/dev\/kfd\)/)
})

const hiding: readonly [code: string, reason: RegExp][] = [
  ['ENOENT', /not given to this container: \/dev\/dri\/renderD128 is not there/],
  ['EPERM', /device cgroup denies \/dev\/dri\/renderD128/],
  ['ENXIO', /renderD128 cannot be used \(ENXIO\)/],
]

for (const [code, reason] of hiding) {
  test(`checkAccess() hides one GPU for ${code} on its render node, and keeps the other`, () => {
    const { usable, hidden, blocked } = check(over(mi300x(2), { errors: { [render]: code } }))
    assert.deepEqual(
      usable.map(({ node }) => node),
      [3],
    )
    assert.equal(hidden[0]?.node, 2)
    assert.match(hidden[0]?.reason ?? '', reason)
    assert.equal(blocked, undefined)
  })
}

test('checkAccess() hides a GPU for which KFD names no render node', () => {
  const properties = '/sys/class/kfd/kfd/topology/nodes/2/properties'
  const { usable, hidden } = check(over(mi300x(2), { files: { [properties]: 'gfx_target_version 90402\n' } }))
  assert.deepEqual(
    usable.map(({ node }) => node),
    [3],
  )
  assert.match(hidden[0]?.reason ?? '', /names no render node/)
})

test('checkAccess() asks for nothing and blames nobody when there is no GPU', () => {
  const { fs, calls } = inMemory(mi300x(1))
  assert.deepEqual(checkAccess(fs, [], []), { usable: [], hidden: [] })
  assert.deepEqual(calls, [])
})
