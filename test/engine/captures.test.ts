import assert from 'node:assert/strict'
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, test } from 'node:test'
import { explainExit } from '../../src/engine/failures.ts'
import { failedStarts } from '../engines/failed-starts.ts'

const linesOf = (path: string): readonly string[] => readFileSync(path, 'utf8').split(/[\r\n]+/)

describe('every failed start of the real vLLM 0.32 that test/engines/captures.ts makes is named', () => {
  const own = join(import.meta.dirname, '../fixtures/engine')
  for (const { name, cause, says } of failedStarts) {
    test(`${name}: ${cause}`, () => {
      const { cause: named, sentence, fix, evidence } = explainExit({ code: 1, signal: null }, linesOf(join(own, `${name}.log`)), false)
      assert.equal(named, cause)
      assert.ok(fix, 'no fix')
      if (says !== undefined) assert.match(`${sentence} ${fix}`, says)
      assert.ok(evidence.length > 0 && evidence.length <= 10)
      // But for an error without a word.
      const frames = evidence.filter((line, at) => /^\s*File "/.test(line) && !/^\w+$/.test(evidence[at + 1] ?? ''))
      assert.deepEqual(frames, [], 'a frame of a traceback is no evidence')
    })
  }
  test('no capture is left over', () => assert.deepEqual(readdirSync(own).sort(), failedStarts.map(({ name }) => `${name}.log`).sort()))
})

/** Failed starts that others captured on another machine, and the cause that must be named. */
const rows: readonly [log: string, code: number, cause: string, permanent: boolean][] = [
  ['f_unknown_argument', 2, 'bad-argument', true],
  ['f_model_missing_offline', 1, 'missing-file', true],
  ['f_unknown_architecture', 1, 'unknown-architecture', true],
  ['f_bad_config_json', 1, 'bad-config', true],
  ['f_truncated_weights', 1, 'corrupt-weights', true],
  ['f_shape_mismatch', 1, 'weights-mismatch', true],
  ['f_len_over_model', 1, 'context-too-long', true],
  ['f_kv_too_small', 1, 'kv-cache-too-small', true],
  ['f_no_tokenizer', 1, 'no-tokenizer', true],
  ['f_quant_unsupported', 1, 'quantization', true],
  ['f_port_in_use', 1, 'port-busy', false],
  ['f_lora_missing', 1, 'adapter', true],
  ['f_batched_too_small', 1, 'batched-tokens-too-small', true],
  ['f_compiler_headers_missing', 1, 'compiler-missing', true],
  ['f_free_memory', 1, 'host-memory', true],
  ['f_oom_cgroup', 1, 'worker-died', false],
  ['f_worker_killed_at_load', 1, 'engine-core-died', false],
]

const folder = join(process.env.AIM_SHARED ?? join(import.meta.dirname, '../../../shared'), 'fixtures/vllm/real')

test('the cause of every failed start captured elsewhere is named', (t) => {
  if (!existsSync(folder)) return t.diagnostic(`the captures are not present at ${folder}: this check did not run`)
  const named = rows.map(([log, code]) => {
    const { cause, permanent } = explainExit({ code, signal: null }, linesOf(join(folder, `${log}.log`)), false)
    return [log, code, cause, permanent]
  })
  assert.deepEqual(named, rows)
})

test('the death of a core or a worker of an engine that was serving is named', (t) => {
  if (!existsSync(folder)) return t.diagnostic(`the captures are not present at ${folder}: this check did not run`)
  const named = ['kill_core', 'kill_core_load', 'kill_worker'].map(
    (log) => explainExit({ code: 0, signal: null }, linesOf(join(folder, `${log}.log`)), true).cause,
  )
  assert.deepEqual(named, ['engine-core-died', 'engine-core-died', 'worker-died'])
})

test('a cgroup that counts a kill for memory names it where the log does not', (t) => {
  if (!existsSync(folder)) return t.diagnostic(`the captures are not present at ${folder}: this check did not run`)
  const { cause, sentence } = explainExit({ code: 1, signal: null, oomKills: 2 }, linesOf(join(folder, 'f_oom_cgroup.log')), false)
  assert.equal(cause, 'host-oom-kill')
  assert.match(sentence, /oom_kill 2/)
})

test('nothing in the log of an engine that was well is taken for a cause', (t) => {
  if (!existsSync(folder)) return t.diagnostic(`the captures are not present at ${folder}: this check did not run`)
  const well = readdirSync(folder).filter((file) => /^(?:api_key|compile_start|load_tracking|stop_\w+|term_idle|tp2_bind)\.log$/.test(file))
  assert.ok(well.length > 5)
  for (const file of well) {
    for (const served of [false, true]) {
      assert.equal(explainExit({ code: null, signal: 'SIGKILL' }, linesOf(join(folder, file)), served).cause, 'killed', file)
    }
  }
})
