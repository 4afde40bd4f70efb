import assert from 'node:assert/strict'
import { test } from 'node:test'
import { detect } from '../../src/hardware/detect.ts'
import { diagnose } from '../../src/plan/diagnose.ts'
import { worstOf } from '../../src/plan/finding.ts'
import type { Symptoms } from '../../src/plan/symptoms.ts'
import { gib } from '../../src/std/bytes.ts'
import { mi300x, noGpu, noPermission } from '../fixtures/hardware/machines.ts'
import { inMemory, over, type Tree, without } from '../fixtures/hardware/tree.ts'

const healthy = { path: '/cache', lacking: [], hardLinks: true, freeBytes: 1e12 }
const limits = (files: string, locked: string): string =>
  `Limit                     Soft Limit           Hard Limit           Units\nMax open files            1024                 ${files}               files\nMax locked memory         8388608              ${locked}              bytes\n`

const symptomsOf = (tree: Tree, changes: Partial<Symptoms> = {}, environment: Record<string, string> = {}): Symptoms => {
  const inventory = detect(inMemory(tree).fs, environment)
  return {
    inventory: { ...inventory, host: { ...inventory.host, shmBytes: gib(64) } },
    devices: [],
    holders: [],
    limits: limits('1048576', 'unlimited'),
    problems: [],
    onCpu: false,
    cache: healthy,
    engine: { command: 'vllm', file: '/usr/bin/vllm' },
    ...changes,
  }
}

const onHost = (host: Partial<Symptoms['inventory']['host']>): Symptoms => {
  const symptoms = symptomsOf(mi300x(2))
  return { ...symptoms, inventory: { ...symptoms.inventory, host: { ...symptoms.inventory.host, ...host } } }
}

const held = (): Symptoms => {
  const symptoms = symptomsOf(mi300x(2))
  const gpus = symptoms.inventory.gpus.map((gpu, at) => (at === 0 ? { ...gpu, vramUsedBytes: gib(100) } : gpu))
  const gpuId = gpus[0]?.gpuId ?? 0
  return { ...symptoms, inventory: { ...symptoms.inventory, gpus }, holders: [{ hostPid: 4242, gpuId, vramBytes: gib(99) }] }
}

const denied = [
  { path: '/dev/kfd', code: 'EACCES', gid: 109 },
  { path: '/dev/dri/renderD128', code: 'EACCES', gid: 44 },
]

const noGates = without(mi300x(8), /^\/dev\/kfd/)
const differ = { HIP_VISIBLE_DEVICES: '0', CUDA_VISIBLE_DEVICES: '1' }
const problem = { severity: 'problem', key: 'AIM_PORT', value: 'x', rule: 'must be a port' } as const

const broken: readonly [claim: string, symptoms: Symptoms, exitCode: number, what: RegExp, kubernetes: RegExp][] = [
  ['no driver', symptomsOf(noGpu()), 69, /driver is not loaded/, /AIM_GPU_COUNT=0/],
  ['no /dev/kfd', symptomsOf(noGates), 69, /\/dev\/kfd is not in this container/, /amd\.com\/gpu/],
  ['a device cgroup that denies', symptomsOf(over(mi300x(1), { errors: { '/dev/kfd': 'EPERM' } })), 77, /cgroup denies/, /amd\.com\/gpu/],
  ['groups missing', symptomsOf(noPermission(), { devices: denied }), 77, /\(EACCES\)/, /supplementalGroups: \[109, 44\]/],
  ['masks in conflict', symptomsOf(mi300x(2), {}, differ), 78, /differ/, /unset CUDA_VISIBLE_DEVICES/],
  ['all GPUs masked', symptomsOf(mi300x(2), {}, { ROCR_VISIBLE_DEVICES: '' }), 78, /hidden by ROCR_VISIBLE_DEVICES/, /^unset ROCR/],
  ['one GPU masked', symptomsOf(mi300x(2), {}, { HIP_VISIBLE_DEVICES: '0' }), 0, /1 GPU is not ours/, /^unset ROCR/],
  [
    'a mask that is cut short',
    symptomsOf(mi300x(2), {}, { HIP_VISIBLE_DEVICES: '0,1,9' }),
    0,
    /HIP_VISIBLE_DEVICES=0,1,9: /,
    /^unset ROCR/,
  ],
  ['memory of a GPU held', held(), 0, /100 GiB of the \d+ GiB .* host pid 4242 \(99 GiB\)/, /HIP_VISIBLE_DEVICES/],
  ['a small /dev/shm', onHost({ shmBytes: 64 * 1024 ** 2 }), 0, /\/dev\/shm has 64 MiB for 2 GPUs/, /sizeLimit: 8Gi/],
  ['little memory', onHost({ memoryLimitBytes: gib(4) }), 0, /may use 4\.0 GiB of memory/, /memory: 8Gi/],
  ['few open files', symptomsOf(mi300x(1), { limits: limits('4096', 'unlimited') }), 0, /at most 4096 files/, /LimitNOFILE/],
  ['little locked memory', symptomsOf(mi300x(2), { limits: limits('1048576', '8388608') }), 0, /8\.0 MiB may be locked/, /LimitMEMLOCK/],
  ['a bad variable', symptomsOf(mi300x(1), { problems: [problem] }), 78, /AIM_PORT="x" must be a port/, /aim help env/],
  ['a closed cache', symptomsOf(mi300x(1), { cache: { ...healthy, error: 'EROFS' } }), 74, /cannot be written \(EROFS\)/, /fsGroup/],
  ['an object store', symptomsOf(mi300x(1), { cache: { ...healthy, lacking: ['x (EIO)'] } }), 74, /cannot x \(EIO\)/, /volumeMount/],
  ['no hard links', symptomsOf(mi300x(1), { cache: { ...healthy, hardLinks: false } }), 0, /no hard links/, /volumeMount/],
  ['a full disk', symptomsOf(mi300x(1), { cache: { ...healthy, freeBytes: 1024 } }), 0, /1\.0 KiB free/, /volumeMount/],
  ['no engine', symptomsOf(mi300x(1), { engine: { command: 'vllm' } }), 69, /vllm is no program/, /AIM_ENGINE_COMMAND/],
]

for (const [claim, symptoms, exitCode, what, kubernetes] of broken) {
  test(`${claim}: the only finding, exit ${exitCode}`, () => {
    const findings = diagnose(symptoms)
    assert.equal(findings.length, 1, JSON.stringify(findings))
    assert.match(findings[0]?.what ?? '', what)
    assert.match(findings[0]?.fix.kubernetes ?? '', kubernetes)
    assert.equal(worstOf(findings), exitCode)
  })
}

test('a machine in order has no finding, and one without a GPU has none when none is wanted', () => {
  assert.deepEqual(diagnose(symptomsOf(mi300x(8))), [])
  assert.deepEqual(diagnose(symptomsOf(noGpu(), { onCpu: true })), [])
})

test('groups to join are named by number for docker, Compose and Kubernetes', () => {
  const [finding] = diagnose(symptomsOf(noPermission(), { devices: denied }))
  assert.equal(finding?.fix.docker, '--group-add 109 --group-add 44')
  assert.equal(finding?.fix.compose, 'group_add: ["109", "44"]')
})

test('errors come first, and the worst of them ends the process', () => {
  const findings = diagnose(symptomsOf(noGpu(), { problems: [problem], cache: { ...healthy, freeBytes: 1 }, engine: { command: 'vllm' } }))
  assert.deepEqual(
    findings.map(({ severity }) => severity),
    ['error', 'error', 'error', 'warning'],
  )
  assert.equal(worstOf(findings), 78)
})
