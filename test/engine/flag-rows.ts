/** Arguments that vLLM 0.32's own parser takes or refuses; the system test gives the same rows to the real one. */

import shipped from '../../src/engine/flags/vllm-0.32.0.json' with { type: 'json' }
import type { FlagSchema } from '../../src/engine/flags.ts'
import type { Json } from '../../src/std/json.ts'

/** The schema that we ship. */
export const schema = shipped as FlagSchema

/** What is given as JSON, and the words that it becomes. */
export const taken: readonly [what: string, args: Readonly<Record<string, Json>>, words: readonly string[]][] = [
  ['a number', { 'max-num-seqs': 256 }, ['--max-num-seqs', '256']],
  ['a number as text', { 'max-num-seqs': '256' }, ['--max-num-seqs', '256']],
  ['a size', { 'max-model-len': '32k' }, ['--max-model-len', '32k']],
  ['auto', { 'max-model-len': 'auto' }, ['--max-model-len', 'auto']],
  ['minus one', { 'max-model-len': -1 }, ['--max-model-len', '-1']],
  ['underscores', { max_model_len: 8192 }, ['--max-model-len', '8192']],
  ['dashes', { '--max-model-len': 8192 }, ['--max-model-len', '8192']],
  ['a short alias', { '-tp': 2 }, ['--tensor-parallel-size', '2']],
  ['a long alias', { 'device-memory-utilization': 0.9 }, ['--gpu-memory-utilization', '0.9']],
  ['a beginning', { '--gpu-mem': 0.9 }, ['--gpu-memory-utilization', '0.9']],
  ['true', { 'enable-prefix-caching': true }, ['--enable-prefix-caching']],
  ['false is the negation', { 'enable-prefix-caching': false }, ['--no-enable-prefix-caching']],
  ['a negation', { 'no-enable-prefix-caching': true }, ['--no-enable-prefix-caching']],
  ['a negation that is false', { 'no-enable-prefix-caching': false }, ['--enable-prefix-caching']],
  ['a switch', { headless: true }, ['--headless']],
  ['a switch that is false says nothing', { headless: false }, []],
  ['null takes away', { 'max-num-seqs': null }, []],
  ['null for one that is gone', { 'swap-space': null }, []],
  ['a list', { 'cudagraph-capture-sizes': [1, 2, 4] }, ['--cudagraph-capture-sizes', '1', '2', '4']],
  ['a list in one JSON word', { 'allowed-origins': ['*'] }, ['--allowed-origins', '["*"]']],
  ['an object', { 'compilation-config': { mode: 3 } }, ['--compilation-config', '{"mode":3}']],
  ['JSON as text', { 'limit-mm-per-prompt': '{"image": 2}' }, ['--limit-mm-per-prompt', '{"image": 2}']],
  ['a dotted key keeps its underscores', { 'compilation_config.cudagraph_mode': 'NONE' }, ['--compilation-config.cudagraph_mode', 'NONE']],
  ['a dotted alias', { '-cc.cudagraph_mode': 'NONE' }, ['--compilation-config.cudagraph_mode', 'NONE']],
  ['a choice', { dtype: 'bfloat16' }, ['--dtype', 'bfloat16']],
  ['adapters as objects', { 'lora-modules': [{ name: 'a', path: '/a' }] }, ['--lora-modules', '{"name":"a","path":"/a"}']],
  ['gone without loss', { 'swap-space': 64, 'max-seq-len-to-capture': 32768 }, []],
  ['renamed and turned', { 'disable-log-requests': true }, ['--no-enable-log-requests']],
  ['the task', { task: 'embed' }, ['--runner', 'pooling', '--convert', 'embed']],
  ['capture sizes, the largest', { 'cuda-graph-sizes': 512 }, ['--max-cudagraph-capture-size', '512']],
  ['decoding', { 'guided-decoding-backend': 'xgrammar' }, ['--structured-outputs-config.backend', 'xgrammar']],
]

/** What is refused; `engine`: the words that the engine's own parser refuses too. */
export const refused: readonly [what: string, args: Readonly<Record<string, Json>>, says: RegExp, engine?: readonly string[]][] = [
  ['unknown', { 'max-modl-len': 1 }, /--max-modl-len is no flag of vllm 0\.32\.0; did you mean --max-model-len\?/, ['--max-modl-len', '1']],
  ['begun right', { 'gpu-memm': 1 }, /did you mean --gpu-memory-utilization\?/, ['--gpu-memm', '1']],
  ['unknown and near nothing', { frobnicate: 1 }, /--frobnicate is no flag of vllm 0\.32\.0$/, ['--frobnicate', '1']],
  ['unknown, taken away', { 'max-modl-len': null }, /did you mean/],
  ['no number', { 'max-num-seqs': 'many' }, /must be a whole number, not "many"/, ['--max-num-seqs', 'many']],
  ['a size where none is read', { port: '8k' }, /must be a whole number, not "8k"/, ['--port', '8k']],
  ['a fraction', { 'max-num-seqs': 1.5 }, /must be a whole number/, ['--max-num-seqs', '1.5']],
  ['half a word', { 'max-model-len': '32x' }, /8192 or 8k, or auto/, ['--max-model-len', '32x']],
  ['no decimal', { 'gpu-memory-utilization': 'most' }, /must be a number/, ['--gpu-memory-utilization', 'most']],
  ['a wrong choice', { dtype: 'bfloat61' }, /must be one of auto, .*did you mean bfloat16\?/, ['--dtype', 'bfloat61']],
  ['a value for a boolean', { 'enforce-eager': 'yes' }, /must be true or false, not "yes"/, ['--enforce-eager=yes']],
  ['broken JSON', { 'compilation-config': '{bad' }, /must be JSON/, ['--compilation-config', '{bad']],
  ['a list for one value', { 'max-num-seqs': [1, 2] }, /must be a whole number, not \[1,2\]/, ['--max-num-seqs', '1', '2']],
  ['a wrong one of a list', { 'cudagraph-capture-sizes': [1, 'x'] }, /must be a whole number/, ['--cudagraph-capture-sizes', '1', 'x']],
  ['an object for a text', { 'chat-template': { a: 1 } }, /must be a text/],
  ['gone, and to be said otherwise', { 'rope-scaling': '{}' }, /--rope-scaling .*: put it into --hf-overrides/, ['--rope-scaling', '{}']],
  ['a task that has no successor', { task: 'transcription' }, /--runner and --convert/, ['--task', 'transcription']],
]
