import assert from 'node:assert/strict'
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, test } from 'node:test'
import { compilers, isOwnLine, keyMetrics } from '../../src/engine/evidence.ts'
import { readPulse, saysSuspended } from '../../src/engine/pulse.ts'

const sample = (name: string, value: number, engine = '0', more = ''): string =>
  `vllm:${name}{engine="${engine}",model_name="m"${more}} ${value.toFixed(1)}`
const idle = ['num_requests_running', 'num_requests_waiting', 'iteration_tokens_total_count', 'kv_cache_usage_perc'].map((name) =>
  sample(name, 0),
)

describe('readPulse()', () => {
  const steps: readonly [claim: string, line: string, moves: boolean][] = [
    ['a step is progress', sample('iteration_tokens_total_count', 1), true],
    ['a chunk of a prefill is progress: it fills the cache', sample('kv_cache_usage_perc', 0.5), true],
    ['prompt tokens are progress', sample('prompt_tokens_total', 5), true],
    ['a request that is taken in is progress', sample('num_requests_running', 1), true],
    [
      'a client that left is none: the API server counts it by itself',
      sample('request_success_total', 1, '0', ',finished_reason="abort"'),
      false,
    ],
    ['a request that was only received is none', 'http_requests_total{handler="/v1/completions",method="POST",status="2xx"} 9.0', false],
  ]
  for (const [claim, line, moves] of steps) {
    test(claim, () => {
      const before = readPulse(idle.join('\n')).cores[0]?.progress
      assert.equal(
        readPulse([...idle.filter((other) => other.split('{')[0] !== line.split('{')[0]), line].join('\n')).cores[0]?.progress !== before,
        moves,
      )
    })
  }
  test('counts running and waiting requests, for each core by itself', () => {
    const text = [sample('num_requests_running', 2), sample('num_requests_waiting', 3), sample('num_requests_running', 7, '1')].join('\n')
    assert.deepEqual(
      Object.entries(readPulse(text).cores).map(([id, { inFlight }]) => [id, inFlight]),
      [
        ['0', 5],
        ['1', 7],
      ],
    )
  })
  test('an engine without metrics of its own tells nothing', () =>
    assert.deepEqual(readPulse('process_cpu_seconds_total 3.0\n'), { cores: {}, asleep: false }))
  test('knows one that was put to sleep', () => {
    const states = (awake: number) => sample('engine_sleep_state', awake, '0', ',sleep_state="awake"')
    assert.deepEqual([readPulse(states(1)).asleep, readPulse(states(0)).asleep], [false, true])
  })
  test('reads the answers of the developer mode', () => {
    assert.deepEqual(['{"is_sleeping":true}', '{"is_paused": true}', '{"is_sleeping":false}', 'Not Found'].map(saysSuspended), [
      true,
      true,
      false,
      false,
    ])
  })
})

describe('isOwnLine()', () => {
  const rows: readonly [line: string, own: boolean][] = [
    ['(EngineCore pid=7) INFO 11-23 19:06:39 [shm_broadcast.py:871] No available shared memory broadcast block found in 60 seconds.', true],
    ['(APIServer pid=7) INFO 11-23 19:06:39 [loggers.py:273] Engine 000: Avg prompt throughput: 0.0 tokens/s, Running: 1 reqs', false],
    ["(APIServer pid=7) INFO 11-23 19:06:39 [logger.py:43] Received request cmpl-1: prompt: 'my secret'", false],
    ["(APIServer pid=7) INFO 11-23 19:06:39 [request_logger.py:43] cmpl-1: 'my secret'", false],
    ["(APIServer pid=7) ERROR 11-23 19:06:39 [serving.py:43] Error in preprocessing prompt inputs 'my secret'", false],
    ['ValueError: my secret', false],
    ['my secret', false],
  ]
  for (const [line, own] of rows) test(`${own ? 'shows' : 'keeps back'}: ${line.slice(0, 90)}`, () => assert.equal(isOwnLine(line), own))
})

test('the names of compilers are theirs and not those of the engine', () => {
  for (const name of ['ninja', 'hipcc', 'clang-20', 'cc1plus', 'ld.lld', 'amdclang++']) assert.match(name, compilers)
  for (const name of ['VLLM::EngineCor', 'VLLM::Worker', 'python3', 'vllm']) assert.doesNotMatch(name, compilers)
})

/** Captured while the core or the worker of the real vLLM 0.32.0 was stopped. */
const folder = join(process.env.AIM_SHARED ?? join(import.meta.dirname, '../../../shared'), 'fixtures/vllm/real')

test('of captured hangs: the gauges of a core that stopped under load say 1, of one that stopped idle 0', (t) => {
  if (!existsSync(folder)) return t.diagnostic(`the captures are not present at ${folder}: this check did not run`)
  const counts = ['stop_core_load', 'stop_worker_load', 'stop_core_idle'].map((name) => {
    const text = readFileSync(join(folder, `${name}.metrics.txt`), 'utf8')
    assert.ok(keyMetrics(text).length >= 6, name)
    return readPulse(text).cores[0]?.inFlight
  })
  assert.deepEqual(counts, [1, 1, 0])
})
