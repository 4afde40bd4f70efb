import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Host } from '../../src/hardware/inventory.ts'
import { cpuCache, cpuCacheGib, resourceReasons, resourcesOf } from '../../src/plan/host.ts'
import { gib } from '../../src/std/bytes.ts'
import { facts8b, profile } from '../recipes/worlds.ts'
import { request, source } from './worlds.ts'

const host = (memory: number, given: Partial<Host> = {}): Host => ({ cpus: 4, memoryBytes: gib(memory), ...given })
const cpu = profile({ gpu: 'CPU', gpuCount: 0, precision: 'bf16' })
const tiny = { task: 'generate', weightsBytes: gib(1) } as const

test('the KV cache on a CPU is a quarter of the memory, what the weights leave, at most 40 GiB and at least 1', () => {
  const rows = [
    [host(32), tiny, 8],
    [host(256), tiny, 40],
    [host(24), facts8b, 5],
    [host(2), tiny, 1],
    [host(256, { memoryLimitBytes: gib(16) }), tiny, 4],
    [host(0), tiny, 1],
  ] as const
  for (const [machine, facts, space] of rows) assert.equal(cpuCacheGib(machine, facts), space, JSON.stringify(machine))
})

test('VLLM_CPU_KVCACHE_SPACE is set on the CPU alone, and not over the user', () => {
  const set = (candidate = cpu, given = {}) => cpuCache(candidate, request(given), host(32), source({ facts: tiny }))
  assert.deepEqual(set(), { VLLM_CPU_KVCACHE_SPACE: '8' })
  assert.deepEqual(set(profile()), {})
  assert.deepEqual(set(cpu, { engineEnvironment: { VLLM_CPU_KVCACHE_SPACE: '2' } }), {})
  assert.deepEqual(set(cpu, { engineArguments: { 'kv-cache-memory-bytes': 1 } }), {})
})

test("resources are the profile's, else a rule's with a sentence", () => {
  const four = profile({ gpuCount: 4 })
  const resources = resourcesOf(four, source(), 'vllm', 0)
  assert.deepEqual(resources, { gpus: 4, memoryBytes: gib(20), shmBytes: gib(8), downloadBytes: facts8b.weightsBytes })
  assert.equal(resourceReasons(resources, four, host(256, { shmBytes: gib(64) })).length, 2)
  const said = profile({ resources: { memoryBytes: 1, shmBytes: 2, cpus: 3 } })
  assert.deepEqual(resourcesOf(said, source(), 'vllm', 0), {
    gpus: 1,
    memoryBytes: 1,
    shmBytes: 2,
    cpus: 3,
    downloadBytes: facts8b.weightsBytes,
  })
  assert.deepEqual(resourceReasons(resourcesOf(said, source(), 'vllm', 0), said, host(256)), [])
})

test('on the CPU memory holds weights, cache and processes; the simulator needs none of it', () => {
  assert.equal(resourcesOf(cpu, source({ facts: tiny }), 'vllm', gib(8)).memoryBytes, gib(13))
  assert.equal(resourcesOf(cpu, source({ facts: { task: 'generate' } }), 'vllm', gib(8)).memoryBytes, undefined)
  assert.equal(resourcesOf(cpu, source(), 'simulator', gib(8)).memoryBytes, undefined)
})

test('a local directory downloads nothing', () => {
  const { artifact: _, ...local } = source()
  assert.equal(resourcesOf(profile(), local, 'vllm', 0).downloadBytes, undefined)
})

test('a machine that has less than is needed is told', () => {
  const two = profile({ gpuCount: 2 })
  const reasons = resourceReasons(resourcesOf(two, source(), 'vllm', 0), two, host(8, { shmBytes: 64 * 2 ** 20 })).join('\n')
  assert.match(reasons, /may use only 8\.0 GiB of memory/)
  assert.match(reasons, /\/dev\/shm has only 64 MiB: give it more \(docker run --shm-size 8g\)/)
})
