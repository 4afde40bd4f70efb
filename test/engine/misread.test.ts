import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { explainExit } from '../../src/engine/failures.ts'

const crashed = { code: 1, signal: null }
const core = '(EngineCore pid=28) ERROR 11-23 19:45:01 [core.py:1510] '

describe('an engine that had served is started again after code 2, which is argparse’s only before', () => {
  const rows: readonly [claim: string, lines: readonly string[]][] = [
    ['without a word', []],
    ['after an error of its core', ['(EngineCore pid=28) ValueError: vllm: error: argument --x']],
    ['after what looks like a refused command line', ['vllm serve: error: unrecognized arguments: --x']],
  ]
  for (const [claim, lines] of rows) test(claim, () => assert.equal(explainExit({ code: 2, signal: null }, lines, true).permanent, false))
})

describe('a setting that is merely mentioned is no cause', () => {
  const rows: readonly [claim: string, line: string][] = [
    ['in the configuration', "Initializing a V1 LLM engine with config: model='/m', trust_remote_code=True, dtype=torch.bfloat16"],
    ['in a record of its core', `${core}engine arguments: trust_remote_code=True`],
    ['by its flag', `${core}non-default args: {'trust_remote_code': True}, given as --trust-remote-code`],
  ]
  for (const [claim, line] of rows) test(claim, () => assert.equal(explainExit(crashed, [line], false).cause, 'unknown'))
  test('while the library that asks for it names it', () =>
    assert.equal(explainExit(crashed, ['ValueError: Please pass the argument `trust_remote_code=True`'], false).cause, 'remote-code'))
})

describe('a sentence has no gap where the engine did not say all', () => {
  const rows: readonly [line: string, sentence: string][] = [
    ['GatedRepoError: no', 'the hub refused access'],
    ['MemoryError', 'the host refused memory to the engine'],
    ['RuntimeError: HIP out of memory', 'the GPU ran out of memory'],
    ['RevisionNotFoundError: x', 'the hub has no such model or revision'],
    ['LocalEntryNotFoundError: x', 'the engine runs offline and a file that it needs is not in the cache'],
    ['ValueError: No model architectures are specified', 'this engine does not know the model type'],
    ['--enable-auto-tool-choice requires --tool-call-parser', 'there is no parser in this engine'],
    ['RuntimeError: invalid device ordinal', 'the engine was to use more GPUs than it can see'],
  ]
  for (const [line, sentence] of rows) test(sentence, () => assert.equal(explainExit(crashed, [line], false).sentence, sentence))
})

describe('a length in config.json that no context fits is told from a context that is too long', () => {
  const refused = (from: string): string =>
    `  Value error, User-specified max_model_len (1024) is greater than the derived max_model_len (${from} or model_max_length=None in model's config.json).`
  const rows: readonly [from: string, cause: string, says: RegExp][] = [
    ['max_position_embeddings=0', 'bad-config', /max_position_embeddings=0, which no context fits/],
    ['n_positions=-5', 'bad-config', /n_positions=-5, which no context fits/],
    ['max_position_embeddings=512.0', 'context-too-long', /1024.*512/],
    ['max_position_embeddings=512', 'context-too-long', /1024.*512/],
  ]
  for (const [from, cause, says] of rows)
    test(from, () => {
      const meaning = explainExit(crashed, [refused(from)], false)
      assert.deepEqual([meaning.cause, meaning.exitCode], [cause, 78])
      assert.match(meaning.sentence, says)
    })
})
