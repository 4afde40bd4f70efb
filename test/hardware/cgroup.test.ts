import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type CgroupLimits, parseCgroupPaths, parseCpuMax, readCgroup } from '../../src/hardware/cgroup.ts'
import { inMemory, type Tree } from '../fixtures/hardware/tree.ts'

const empty: Tree = { files: {}, links: {}, errors: {}, owners: {}, spaces: {} }
const root = '/sys/fs/cgroup'
const v1 = '5:memory:/docker/ab\n3:cpuset:/docker/ab\n2:cpu,cpuacct:/docker/ab\n1:name=systemd:/docker/ab\n0::/docker/ab\n'

const rows: readonly [claim: string, own: string | undefined, files: Record<string, string>, limits: CgroupLimits][] = [
  ['no cgroup at all is no limit', undefined, {}, {}],
  ['version 2 without limits', '0::/\n', { [`${root}/cpu.max`]: 'max 100000\n', [`${root}/memory.max`]: 'max\n' }, {}],
  ['version 2 at the root of the namespace', '0::/\n', { [`${root}/cpu.max`]: '250000 100000\n' }, { cpuQuota: 2.5 }],
  ['a period left out is 100 ms', '0::/\n', { [`${root}/cpu.max`]: '50000\n' }, { cpuQuota: 0.5 }],
  [
    'the smallest limit on the way up counts',
    '0::/kubepods/pod1/c1\n',
    {
      ...{
        [`${root}/kubepods/pod1/c1/memory.max`]: '9000\n',
        [`${root}/kubepods/pod1/memory.max`]: '8000\n',
        [`${root}/memory.max`]: 'max\n',
      },
      ...{ [`${root}/kubepods/pod1/c1/cpu.max`]: '400000 100000\n', [`${root}/kubepods/cpu.max`]: '300000 100000\n' },
    },
    { cpuQuota: 3, memoryLimitBytes: 8000 },
  ],
  ['a path that the mount does not show', '0::/docker/ab\n', { [`${root}/memory.max`]: '7000\n' }, { memoryLimitBytes: 7000 }],
  [
    'a path outside of the namespace',
    '0::/../../x\n',
    { [`${root}/memory.max`]: '7000\n', '/sys/fs/x/memory.max': '1\n' },
    { memoryLimitBytes: 7000 },
  ],
  ['no /proc/self/cgroup', undefined, { [`${root}/memory.max`]: '7000\n' }, { memoryLimitBytes: 7000 }],
  [
    'what is left counts idle page cache as free',
    '0::/\n',
    {
      [`${root}/memory.max`]: '7000',
      [`${root}/memory.current`]: '3000',
      [`${root}/memory.stat`]: 'anon 1\ninactive_file 1000\nactive_file 5\n',
    },
    { memoryLimitBytes: 7000, memoryLeftBytes: 5000 },
  ],
  [
    'over the limit nothing is left',
    '0::/\n',
    { [`${root}/memory.max`]: '7000', [`${root}/memory.current`]: '9000' },
    { memoryLimitBytes: 7000, memoryLeftBytes: 0 },
  ],
  [
    'version 1',
    v1,
    {
      ...{ [`${root}/memory/memory.limit_in_bytes`]: '5000\n', [`${root}/memory/memory.usage_in_bytes`]: '2000\n' },
      ...{ [`${root}/memory/memory.stat`]: 'inactive_file 1\ntotal_inactive_file 500\n' },
      ...{ [`${root}/cpu/cpu.cfs_quota_us`]: '150000\n', [`${root}/cpu/cpu.cfs_period_us`]: '100000\n' },
    },
    { cpuQuota: 1.5, memoryLimitBytes: 5000, memoryLeftBytes: 3500 },
  ],
  [
    'version 1 without limits',
    v1,
    {
      [`${root}/memory/memory.limit_in_bytes`]: '9223372036854771712\n',
      [`${root}/cpu/cpu.cfs_quota_us`]: '-1\n',
      [`${root}/cpu/cpu.cfs_period_us`]: '100000\n',
    },
    {},
  ],
  [
    'version 1 beside version 2: each resource where it is',
    '4:memory:/a\n0::/b\n',
    { [`${root}/memory/a/memory.limit_in_bytes`]: '10', [`${root}/b/cpu.max`]: '100 100' },
    { cpuQuota: 1, memoryLimitBytes: 10 },
  ],
  [
    'version 1 without the link to a mount of two controllers',
    v1,
    { [`${root}/cpu,cpuacct/cpu.cfs_quota_us`]: '150000\n', [`${root}/cpu,cpuacct/cpu.cfs_period_us`]: '100000\n' },
    { cpuQuota: 1.5 },
  ],
  ['a period of 0 is no limit', '0::/\n', { [`${root}/cpu.max`]: '100 0' }, {}],
  ['a quota of 0 is no limit', '0::/\n', { [`${root}/cpu.max`]: '0 100' }, {}],
]

test('readCgroup() takes garbage for no limit and says so', () => {
  const files = {
    '/proc/self/cgroup': 'garbage\n::\n0::relative\n',
    [`${root}/cpu.max`]: '\u0000',
    [`${root}/memory.max`]: 'lots',
  }
  const { limits, oddities } = readCgroup(inMemory({ ...empty, files }).fs)
  assert.deepEqual(limits, {})
  assert.deepEqual(oddities.toSorted(), [
    '/proc/self/cgroup holds no limit that can be read',
    '/sys/fs/cgroup/cpu.max holds no limit that can be read',
    '/sys/fs/cgroup/memory.max holds no limit that can be read',
  ])
})

for (const [claim, own, files, limits] of rows) {
  test(`readCgroup(): ${claim}`, () => {
    const tree = { ...empty, files: { ...files, ...(own !== undefined && { '/proc/self/cgroup': own }) } }
    assert.deepEqual(readCgroup(inMemory(tree).fs), { limits, oddities: [] })
  })
}

test('parseCgroupPaths() keys version 2 by the empty name', () => {
  assert.deepEqual(Object.fromEntries(parseCgroupPaths('2:cpu,cpuacct:/a\n0::/b:c\n')), { cpu: '/a', cpuacct: '/a', '': '/b:c' })
})

test('parseCpuMax() is undefined for no limit and for nonsense', () => {
  for (const text of ['', 'max', 'max 100000', 'a b', '1 2 3', '-1 100']) assert.equal(parseCpuMax(text), undefined, text)
})
