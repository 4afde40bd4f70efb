import assert from 'node:assert/strict'
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { explainExit } from '../../src/engine/failures.ts'

/** Failed starts of the real vLLM 0.32.0 on the CPU, and the cause that must be named. */
const rows: readonly [log: string, code: number, cause: string, permanent: boolean][] = [
  ['f_unknown_argument', 2, 'bad-argument', true],
  ['f_model_missing_offline', 1, 'missing-file', true],
  ['f_unknown_architecture', 1, 'unknown-architecture', true],
  ['f_bad_config_json', 1, 'bad-config', true],
  ['f_truncated_weights', 1, 'corrupt-weights', true],
  ['f_shape_mismatch', 1, 'shape-mismatch', true],
  ['f_len_over_model', 1, 'context-too-long', true],
  ['f_kv_too_small', 1, 'kv-cache-too-small', true],
  ['f_no_tokenizer', 1, 'no-tokenizer', true],
  ['f_quant_unsupported', 1, 'quantization', true],
  ['f_port_in_use', 1, 'port-busy', false],
  ['f_lora_missing', 1, 'adapter-missing', true],
  ['f_batched_too_small', 1, 'batched-tokens-too-small', true],
  ['f_compiler_headers_missing', 1, 'compiler-missing', true],
  ['f_free_memory', 1, 'memory-held', true],
  ['f_oom_cgroup', 1, 'worker-died', false],
  ['f_worker_killed_at_load', 1, 'engine-core-died', false],
]

const folder = join(process.env.AIM_SHARED ?? join(import.meta.dirname, '../../../shared'), 'fixtures/vllm/real')

test('the cause of every captured failed start is named', (t) => {
  if (!existsSync(folder)) return t.diagnostic(`the captures are not present at ${folder}: this check did not run`)
  const named = rows.map(([log, code]) => {
    const lines = readFileSync(join(folder, `${log}.log`), 'utf8').split(/[\r\n]+/)
    const { cause, permanent } = explainExit({ code, signal: null }, lines, false)
    return [log, code, cause, permanent]
  })
  assert.deepEqual(named, rows)
})
