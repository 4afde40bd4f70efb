import assert from 'node:assert/strict'
import { test } from 'node:test'
import { detect } from '../../src/hardware/detect.ts'
import { diagnose } from '../../src/plan/diagnose.ts'
import { worstOf } from '../../src/plan/finding.ts'
import type { CacheSymptoms, EngineSymptoms, HubSymptoms, ModelSymptoms, Symptoms } from '../../src/plan/symptoms.ts'
import { gib } from '../../src/std/bytes.ts'
import { kfdLocked, mi300x, mi300xMixedModes, noGpu, noPermission, partitionMissing } from '../fixtures/hardware/machines.ts'
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

const onCache = (cache: Partial<CacheSymptoms>) => symptomsOf(mi300x(1), { cache: { ...healthy, ...cache } })
const withModel = (model: Partial<ModelSymptoms>) => symptomsOf(mi300x(1), { model: { id: 'org/m', gpus: 1, ...model } })
const withEngine = (engine: Partial<EngineSymptoms>) =>
  symptomsOf(mi300x(1), { engine: { command: 'vllm', file: '/usr/bin/vllm', ...engine } })
const now = Date.UTC(2026, 10, 28)
const withHub = (hub: Partial<HubSymptoms>, model?: ModelSymptoms) =>
  symptomsOf(mi300x(1), { clockMs: now, hub: { endpoint: 'https://hub', withToken: false, ...hub }, ...(model !== undefined && { model }) })
const refused = { exitCode: 69, message: 'it does not fit', fix: 'a smaller one' } as const
const gated = { exitCode: 77, message: 'the repository is gated', fix: 'accept the terms' } as const

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
  ['a locked driver', symptomsOf(kfdLocked()), 69, /\/dev\/kfd cannot be used \(EINVAL\)/, /reset of a GPU/],
  [
    'a driver that an open finds locked',
    symptomsOf(mi300x(1), { kfdError: 'EINVAL' }),
    69,
    /cannot be opened \(EINVAL\).*locked/,
    /reboot/,
  ],
  [
    'cards divided in different ways',
    symptomsOf(mi300xMixedModes()),
    0,
    /1 GPU of MI300X SPX\/NPS1, 8 GPUs of MI300X CPX\/NPS4/,
    /amd-smi set/,
  ],
  ['a partition missing', symptomsOf(partitionMissing()), 0, /card 0000:19:00\.0 has 7 of its 8 partitions/, /newer kernel/],
  ['NUMA balancing', onHost({ numaBalancing: true }), 0, /kernel\.numa_balancing is not 0/, /sysctl -w/],
  ['a cache in the layer', onCache({ fileSystem: 'overlay' }), 0, /own layer \(overlay\)/, /volumeMount/],
  ['a cache in memory', onCache({ fileSystem: 'tmpfs' }), 0, /is memory \(tmpfs\)/, /volumeMount/],
  ['no inodes', onCache({ freeFiles: 12 }), 0, /has 12 inodes free/, /volumeMount/],
  [
    'no room for the model',
    withModel({ downloadBytes: 2e12 }),
    74,
    /931 GiB free, and 1\.8 TiB of org\/m have to be fetched/,
    /volumeMount/,
  ],
  ['little memory for the model', withModel({ memoryBytes: 4e12 }), 0, /may use 2\.0 TiB .* org\/m needs about 3\.6 TiB/, /memory: 3726Gi/],
  ['a model that does not fit', withModel({ trouble: refused }), 69, /^it does not fit/, /smaller/],
  ['a hub that is silent', withHub({ silent: true }), 0, /does not answer within 3 s/, /HF_ENDPOINT/],
  ['a silent hub and a model to fetch', withHub({ silent: true }, { id: 'org/m', downloadBytes: 1 }), 75, /does not answer/, /HF_ENDPOINT/],
  ['a gated model', withHub({ trouble: gated }, { id: 'org/m', downloadBytes: 1 }), 77, /gated .*HF_TOKEN is not set/, /accept the terms/],
  ['a gated model in the cache', withHub({ trouble: gated }, { id: 'org/m', downloadBytes: 0 }), 0, /gated/, /accept the terms/],
  ['a clock ahead', withHub({ dateMs: now - 3_600_000 }), 0, /clock is 1h.* ahead of that of https:\/\/hub/, /chrony/],
  ['a clock behind', withHub({ dateMs: now + 86_400_000 }), 0, /behind/, /chrony/],
  ['a clock of 1970', symptomsOf(mi300x(1), { clockMs: 1000 }), 0, /the clock says 1970-/, /chrony/],
  [
    'flags of another engine',
    withEngine({ version: '0.30.1+rocm711', flagsVersion: '0.32.0' }),
    0,
    /engine is 0\.30\.1.*0\.32\.0/,
    /AIM_ENGINE_FLAGS/,
  ],
  ['no libatomic', withEngine({ libatomic: false }), 0, /libatomic\.so\.1 is not/, /libatomic1/],
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

test('memory that our own processes hold is named by their pids', () => {
  const symptoms = held()
  const processes = [{ pid: 71, name: 'VLLM::Worker', package: '0000:11:00.0', vramBytes: gib(90) }]
  const [finding] = diagnose({ ...symptoms, processes })
  assert.match(finding?.what ?? '', /by pid 71, VLLM::Worker \(90 GiB\)$/)
})

test('a model that lies in the cache whole needs no room, and one on no GPU is only told that there is none', () => {
  const cache = { ...healthy, freeBytes: 1024 }
  assert.deepEqual(diagnose(symptomsOf(mi300x(1), { cache, model: { id: 'org/m', weightsBytes: 1e9, downloadBytes: 0 } })), [])
  assert.equal(diagnose(symptomsOf(noGpu(), { model: { id: 'org/m', trouble: refused } })).length, 1)
})

test('errors come first, and the worst of them ends the process', () => {
  const findings = diagnose(symptomsOf(noGpu(), { problems: [problem], cache: { ...healthy, freeBytes: 1 }, engine: { command: 'vllm' } }))
  assert.deepEqual(
    findings.map(({ severity }) => severity),
    ['error', 'error', 'error', 'warning'],
  )
  assert.equal(worstOf(findings), 78)
})
