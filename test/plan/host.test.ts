import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Host } from '../../src/hardware/inventory.ts'
import { cpuCache, cpuCacheGib, type HostQuestion, hostRefusal, resourceReasons, resourcesOf } from '../../src/plan/host.ts'
import { gib } from '../../src/std/bytes.ts'
import type { Json } from '../../src/std/json.ts'
import { facts8b, profile } from '../recipes/worlds.ts'
import { request, source } from './worlds.ts'

const host = (memory: number, given: Partial<Host> = {}): Host => ({ cpus: 4, memoryBytes: gib(memory), ...given })
const cpu = profile({ gpu: 'CPU', gpuCount: 0, precision: 'bf16' })
const asked = (args: Readonly<Record<string, Json>> = {}, cpuCacheBytes = 0): HostQuestion => ({
  engine: 'vllm',
  arguments: args,
  cpuCacheBytes,
})
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
  const resources = resourcesOf(four, source(), asked())
  assert.deepEqual(resources, {
    ...{ gpus: 4, memoryBytes: gib(20), shmBytes: gib(8), cpus: 6 },
    ...{ pageCacheBytes: facts8b.weightsBytes, downloadBytes: facts8b.weightsBytes },
  })
  assert.equal(resourceReasons(resources, four, asked(), host(256, { cpus: 8, shmBytes: gib(64) })).length, 3)
  const said = profile({ resources: { memoryBytes: 1, shmBytes: 2, cpus: 3 } })
  assert.deepEqual(resourcesOf(said, source(), asked()), {
    gpus: 1,
    memoryBytes: 1,
    shmBytes: 2,
    cpus: 3,
    pageCacheBytes: facts8b.weightsBytes,
    downloadBytes: facts8b.weightsBytes,
  })
  assert.deepEqual(resourceReasons(resourcesOf(said, source(), asked()), said, asked(), host(256)), [])
})

test('on the CPU memory holds weights, cache and processes; the simulator needs none of it', () => {
  assert.equal(resourcesOf(cpu, source({ facts: tiny }), asked({}, gib(8))).memoryBytes, gib(13))
  assert.equal(resourcesOf(cpu, source({ facts: { task: 'generate' } }), asked({}, gib(8))).memoryBytes, undefined)
  assert.equal(resourcesOf(cpu, source(), { ...asked(), engine: 'simulator' }).memoryBytes, undefined)
})

test('a local directory downloads nothing', () => {
  const { artifact: _, ...local } = source()
  assert.equal(resourcesOf(profile(), local, asked()).downloadBytes, undefined)
})

test('a machine that has less than is needed is told', () => {
  const two = profile({ gpuCount: 2 })
  const reasons = resourceReasons(resourcesOf(two, source(), asked()), two, asked(), host(8, { shmBytes: 64 * 2 ** 20 })).join('\n')
  assert.match(reasons, /may use only 8\.0 GiB of memory/)
  assert.match(
    reasons,
    /\/dev\/shm has only 64 MiB, less than one ring of vLLM.s messages takes \(160 MiB\): .*: give it more \(docker run --shm-size 8g\)/,
  )
})

test('what will be slow is said with its number: too few cores, a page cache smaller than the weights', () => {
  const eight = profile({ gpuCount: 8 })
  const say = (machine: Host, args = {}) =>
    resourceReasons(resourcesOf(eight, source(), asked(args)), eight, asked(args), machine).join('\n')
  const small = say(host(48, { cpus: 4, shmBytes: gib(64) }))
  assert.match(small, /only 4 of 10 CPUs can be used: the ranks of 8 GPUs will wait/)
  assert.match(small, /the page cache holds 12 GiB of the 15 GiB of weights: loading will be slow/)
  assert.doesNotMatch(say(host(48), { 'load-format': 'runai_streamer' }), /page cache/)
  assert.doesNotMatch(say(host(0)), /only|slow/)
})

test('pinned buffers are host memory, for each GPU or for all; what cannot hold them is refused before anything is fetched', () => {
  const two = profile({ gpuCount: 2 })
  const offload = { 'kv-offloading-size': 64, 'cpu-offload-gb': '8' }
  assert.equal(resourcesOf(two, source(), asked(offload)).memoryBytes, gib(12 + 64 + 16))
  const refused = hostRefusal(two, asked(offload), host(64))
  assert.equal(refused?.exitCode, 69)
  assert.match(
    refused?.message ?? '',
    /at least 88 GiB of host memory \(.*64 GiB pinned by kv-offloading-size, 16 GiB pinned by cpu-offload-gb\)/,
  )
  assert.equal(hostRefusal(two, asked(offload), host(96)), undefined)
  assert.equal(hostRefusal(two, asked(), host(8)), undefined)
  assert.equal(hostRefusal(two, asked(), host(0)), undefined)
  assert.notEqual(hostRefusal(two, asked(), host(256, { memoryLimitBytes: gib(4) })), undefined)
})
