import assert from 'node:assert/strict'
import { test } from 'node:test'
import { addFigures, type MemoryFigures, wasTooSmall } from '../../src/engine/figures.ts'
import { gib } from '../../src/std/bytes.ts'

const rows: readonly (readonly [line: string, MemoryFigures])[] = [
  [
    '(Worker_TP0 pid=9) INFO 11-28 10:00:00 [gpu_model_runner.py:90] Model loading took 7.582 GiB memory and 3 seconds',
    { weightsBytes: Math.round(gib(7.582)), loadSeconds: 3 },
  ],
  ['Model loading took 14.9889 GiB and 3.9 seconds', { weightsBytes: Math.round(gib(14.9889)), loadSeconds: 3.9 }],
  ['INFO 11-28 10:00:00 [gpu_worker.py:260] Available KV cache memory: 22.92 GiB', { cacheBytes: Math.round(gib(22.92)) }],
  ['Available KV cache memory: -1.44 GiB', { cacheBytes: Math.round(gib(-1.44)) }],
  [
    'GPU KV cache size: 375,536 tokens, Maximum concurrency for 65,536 tokens per request: 5.73x',
    { cacheTokens: 375536, concurrency: 5.73 },
  ],
  ['Graph capturing finished in 31 secs, took 0.62 GiB', { graphBytes: Math.round(gib(0.62)) }],
  ['Estimated CUDA graph memory: 5.25 GiB total', { graphEstimateBytes: Math.round(gib(5.25)) }],
  [
    'Free memory on device (78.6/79.18 GiB) on startup. Desired GPU memory utilization is (0.9, 71.26 GiB). Actual usage is 33.88 GiB for weight, 4.84 GiB for peak activation, 0.55 GiB for non-torch memory, and -0.42 GiB for CUDAGraph memory.',
    { activationBytes: Math.round(gib(4.84)), otherBytes: Math.round(gib(0.55)) },
  ],
  [
    "ValueError: To serve at least one request with the model's max seq len (196608), (23.25 GiB KV cache is needed, which is larger than the available KV cache memory (22.5 GiB).",
    { refusedContext: 196608 },
  ],
  ['CPU KV cache size: 1,048,576 tokens', {}],
  ['Available KV cache memory: . GiB', {}],
  ['INFO anything else of 3 tokens', {}],
]

test('a line of the log says what it says of memory, and nothing else', () => {
  for (const [line, figures] of rows) assert.deepEqual(addFigures({}, line), figures, line)
})

test('of several ranks the fullest counts', () => {
  const lines = [
    'Model loading took 7.5 GiB',
    'Model loading took 7.6 GiB',
    'Available KV cache memory: 22.5 GiB',
    'Available KV cache memory: 22.9 GiB',
  ]
  assert.deepEqual(lines.reduce(addFigures, {}), { weightsBytes: Math.round(gib(7.6)), cacheBytes: Math.round(gib(22.5)) })
})

test('memory that others hold says nothing of what a start takes', () => {
  assert.ok(wasTooSmall('kv-cache-too-small'))
  assert.ok(!wasTooSmall('memory-held'))
  assert.ok(!wasTooSmall('unknown'))
})
