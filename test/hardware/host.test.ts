import assert from 'node:assert/strict'
import { test } from 'node:test'
import { countCpus, readHost } from '../../src/hardware/host.ts'
import { gib } from '../../src/std/bytes.ts'
import { mi300x } from '../fixtures/hardware/machines.ts'
import { inMemory, over, without } from '../fixtures/hardware/tree.ts'

const root = '/sys/fs/cgroup'
const hostOf = (files: Record<string, string>) => readHost(inMemory(over(mi300x(1), { files })).fs)

test('countCpus() counts ranges and refuses what is no list', () => {
  const cases: readonly [string, number | undefined][] = [
    ['0', 1],
    ['0-191', 192],
    ['0-3,8,10-11\n', 7],
    ['', undefined],
    ['3-1', undefined],
    ['0,', undefined],
    ['all', undefined],
    ['0-999999', 1_000_000],
    ['0-99999999999', undefined],
  ]
  for (const [list, count] of cases) assert.equal(countCpus(list), count, list)
})

test('readHost() shows the machine when nothing limits it', () => {
  assert.deepEqual(hostOf({}), {
    host: { cpus: 192, memoryBytes: gib(2048), memoryAvailableBytes: gib(1024), shmBytes: 64 * 2 ** 20 },
    oddities: [],
  })
})

test('readHost() rounds the CPU quota up and keeps it', () => {
  const { host } = hostOf({ [`${root}/cpu.max`]: '250000 100000' })
  assert.deepEqual([host.cpus, host.cpuQuota], [3, 2.5])
})

test('readHost() takes the affinity when it is below the quota', () => {
  const { host } = hostOf({ [`${root}/cpu.max`]: '800000 100000', '/proc/self/status': 'Cpus_allowed_list:\t4-5\n' })
  assert.deepEqual([host.cpus, host.cpuQuota], [2, 8])
})

test('readHost() reports a memory limit below the machine, and what is left under it', () => {
  const { host } = hostOf({ [`${root}/memory.max`]: String(gib(64)), [`${root}/memory.current`]: String(gib(4)) })
  assert.deepEqual([host.memoryBytes, host.memoryLimitBytes, host.memoryAvailableBytes], [gib(2048), gib(64), gib(60)])
})

test('readHost() passes over a memory limit that the machine cannot reach', () => {
  const { host } = hostOf({ [`${root}/memory.max`]: String(gib(4096)), [`${root}/memory.current`]: String(gib(4095)) })
  assert.deepEqual([host.memoryLimitBytes, host.memoryAvailableBytes], [undefined, gib(1024)])
})

test('readHost() says what it could not read', () => {
  const { host, oddities } = readHost(inMemory(without(mi300x(1), /^\/proc/)).fs)
  assert.deepEqual([host.cpus, host.memoryBytes, host.memoryAvailableBytes], [1, 0, undefined])
  assert.equal(oddities.length, 2)
})

test('readHost() takes garbage for unknown', () => {
  const { host, oddities } = hostOf({ '/proc/meminfo': '\u0000\ufffd', '/proc/self/status': 'Cpus_allowed_list:\tmany\n' })
  assert.deepEqual([host.cpus, host.memoryBytes], [1, 0])
  assert.equal(oddities.length, 2)
})

test('readHost() leaves /dev/shm out where it cannot be measured', () => {
  const { host } = readHost(inMemory(over(mi300x(1), { errors: { '/dev/shm': 'EACCES' } })).fs)
  assert.equal('shmBytes' in host, false)
})
