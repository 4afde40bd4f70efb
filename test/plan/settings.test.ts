import assert from 'node:assert/strict'
import { test } from 'node:test'
import { vllm } from '../../src/engine/vllm.ts'
import { plan } from '../../src/plan/plan.ts'
import { isRefusal } from '../../src/plan/refusal.ts'
import type { Request } from '../../src/plan/request.ts'
import { type Setting, settingsOf } from '../../src/plan/settings.ts'
import { profile } from '../recipes/worlds.ts'
import { inventory, machineGpus, policy, request, source } from './worlds.ts'

const own = profile({ arguments: { 'max-model-len': 1024, 'max-num-seqs': 8, 'kv-cache-dtype': 'fp8' }, environment: { A: '1', B: '2' } })
const from = `profile ${own.id}`

const settings = (given: Partial<Request>, typed: readonly string[] = []): Readonly<Record<string, Setting>> => {
  const asked = request(given)
  const launch = plan(asked, inventory(machineGpus('MI300X')), [own], source(), policy, vllm)
  if (isRefusal(launch)) throw new Error(launch.message)
  const all = settingsOf(launch, asked, typed)
  const flags = launch.engine.argv.filter((word) => word.startsWith('--'))
  for (const flag of flags)
    assert.ok(
      all.some(({ name }) => name === flag || name === flag.replace('--no-', '--')),
      flag,
    )
  assert.equal(new Set(flags).size, flags.length, 'a flag stands twice')
  return Object.fromEntries(all.map((setting) => [setting.name, setting]))
}

test('every precedence: words after --, extra words, AIM_ENGINE_ARGS, AIM_MAX_MODEL_LEN, the profile', () => {
  const words = ['--max-model-len', '2048']
  const rest = [{ source: from, value: '1024' }]
  const rows: readonly [Partial<Request>, readonly string[], Partial<Setting>][] = [
    [{}, [], { value: '1024', source: from, instead: [] }],
    [{ maxModelLength: 512 }, [], { value: '512', source: 'AIM_MAX_MODEL_LEN', instead: rest }],
    [{ engineArguments: { 'max-model-len': 256 } }, [], { value: '256', source: 'AIM_ENGINE_ARGS', instead: rest }],
    [{ extraArguments: words }, [], { value: '2048', source: 'AIM_ENGINE_EXTRA_ARGS', instead: rest }],
    [{ extraArguments: words }, words, { value: '2048', source: 'words after --', instead: rest }],
  ]
  for (const [given, typed, expected] of rows) {
    const { value, source, instead } = settings(given, typed)['--max-model-len'] ?? assert.fail()
    assert.deepEqual({ value, source, instead }, expected)
  }
})

test('what null takes away is told, and a negation stands under its name', () => {
  const all = settings({ engineArguments: { 'kv-cache-dtype': null, 'enable-prefix-caching': false } })
  assert.deepEqual(all['--kv-cache-dtype'], {
    kind: 'argument',
    name: '--kv-cache-dtype',
    source: 'AIM_ENGINE_ARGS',
    instead: [{ source: from, value: 'fp8' }],
  })
  assert.equal(all['--enable-prefix-caching']?.value, 'false')
  const words = ['--no-enable-prefix-caching']
  const { value, source, instead } =
    settings({ extraArguments: words, engineArguments: { 'enable-prefix-caching': true } }, words)['--enable-prefix-caching'] ??
    assert.fail()
  assert.deepEqual([value, source, instead], ['false', 'words after --', [{ source: 'AIM_ENGINE_ARGS', value: 'true' }]])
})

test('variables are of the profile, of AIM Engine, or yours over the profile', () => {
  const all = settings({ engineEnvironment: { B: '3' } })
  assert.deepEqual([all.A?.source, all.B?.source, all.B?.value, all.HF_HUB_OFFLINE?.source], [from, 'your environment', '3', 'AIM Engine'])
  assert.deepEqual(all.B?.instead, [{ value: '2', source: from }])
})
