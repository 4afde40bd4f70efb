import assert from 'node:assert/strict'
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, test } from 'node:test'
import { renderArguments } from '../../src/engine/arguments.ts'
import { checkWords } from '../../src/engine/flag-words.ts'
import { checkArguments } from '../../src/engine/flags.ts'
import { absolutePath } from '../../src/engine/paths.ts'
import type { Json } from '../../src/std/json.ts'
import { refused, schema, taken } from './flag-rows.ts'

describe('checkArguments()', () => {
  for (const [what, args, words] of taken) {
    test(`takes ${what}: ${JSON.stringify(args)}`, () => {
      const { arguments: checked, problems } = checkArguments(schema, args)
      assert.deepEqual(problems, [])
      assert.deepEqual(renderArguments(checked), words)
    })
  }
  for (const [what, args, says] of refused) {
    test(`refuses ${what}: ${JSON.stringify(args)}`, () => {
      const { arguments: kept, problems } = checkArguments(schema, args)
      assert.equal(problems.length, 1)
      assert.match(problems[0] ?? '', says)
      assert.deepEqual(kept, args)
    })
  }
  test('tells all problems at once, and what was translated with its reason', () => {
    const { problems, notes } = checkArguments(schema, { a1: 1, port: 'x', 'swap-space': 4, task: 'score' })
    assert.equal(problems.length, 2)
    assert.deepEqual(notes.length, 2)
    assert.match(notes[0] ?? '', /--swap-space is no flag of vllm 0\.32\.0: .*left out/)
  })
})

describe('checkWords()', () => {
  const rows: readonly [words: readonly string[], result: readonly string[] | RegExp][] = [
    [
      ['--max-model-len', '8192'],
      ['--max-model-len', '8192'],
    ],
    [['--max_model_len=8192'], ['--max-model-len', '8192']],
    [
      ['--gpu-mem', '0.5'],
      ['--gpu-memory-utilization', '0.5'],
    ],
    [
      ['-tp', '4', '-O2'],
      ['--tensor-parallel-size', '4', '-O2'],
    ],
    [
      ['-O', '2'],
      ['-O', '2'],
    ],
    [
      ['--max-model-len', '-1'],
      ['--max-model-len', '-1'],
    ],
    [
      ['--served-model-name', 'a', 'b', '--seed', '1'],
      ['--served-model-name', 'a', 'b', '--seed', '1'],
    ],
    [['--no-enable-prefix-caching'], ['--no-enable-prefix-caching']],
    [
      ['--compilation-config', '{"mode": 3}'],
      ['--compilation-config', '{"mode": 3}'],
    ],
    [
      ['-cc.cudagraph_mode', 'NONE', '--compilation_config.custom_ops+', '+x'],
      ['--compilation-config.cudagraph_mode', 'NONE', '--compilation-config.custom_ops+', '+x'],
    ],
    [
      ['--swap-space', '4', '--seed', '1'],
      ['--seed', '1'],
    ],
    [['--disable-log-requests'], ['--no-enable-log-requests']],
    [['org/model', '--seed', '1'], /"org\/model" follows no flag/],
    [['--seed'], /--seed needs a value/],
    [['--seed', '1', '2'], /--seed takes one value, not 1 2/],
    [['--enforce-eager=true'], /--enforce-eager takes no value \(given true\): write --enforce-eager or --no-enforce-eager/],
    [['--enforce-eager', 'true'], /takes no value/],
    [['--tensor-paralel-size', '2'], /did you mean --tensor-parallel-size/],
    [['--max', '2'], /--max is no flag/],
  ]
  for (const [words, result] of rows) {
    test(words.join(' '), () => {
      const checked = checkWords(schema, words)
      if (result instanceof RegExp) assert.match(checked.problems.join('\n'), result)
      else assert.deepEqual([checked.words, checked.problems], [result, []])
    })
  }
})

test('a relative path means what it meant where it was written; what may be a name or a template is left alone', () => {
  const rows: readonly [name: string, value: Json, result: Json][] = [
    ['chat-template', 'a/b.jinja', '/work/a/b.jinja'],
    ['chat-template', '../b.jinja', '/b.jinja'],
    ['chat-template', '/b.jinja', '/b.jinja'],
    ['chat-template', '{{ x }}', '{{ x }}'],
    ['tokenizer', './t', '/work/t'],
    ['tokenizer', 'org/t', 'org/t'],
    ['generation-config', 'vllm', 'vllm'],
    ['lora-modules', ['a=./l', 'b=org/l'], ['a=/work/l', 'b=org/l']],
    ['ssl-keyfile', 'k.pem', '/work/k.pem'],
    ['max-model-len', 1, 1],
  ]
  for (const [name, value, result] of rows) assert.deepEqual(absolutePath(name, value, '/work'), result)
})

test('the parser of vLLM 0.28 that others dumped has what ours says, but for what came after it', (context) => {
  const path = join(process.env.AIM_SHARED ?? join(import.meta.dirname, '../../../shared'), 'fixtures/vllm/serve-flags-017e9f4.json')
  if (!existsSync(path)) return context.skip(`no dump at ${path}: AIM_SHARED names its folder`)
  const { actions } = JSON.parse(readFileSync(path, 'utf8')) as {
    readonly actions: readonly { flags: string[]; kind: string; nargs: string | number | null }[]
  }
  for (const { flags, kind, nargs } of actions) {
    const name = flags.find((flag) => flag.startsWith('--') && !flag.startsWith('--no-'))?.slice(2) ?? ''
    const own = schema.flags[name]
    if (own === undefined) continue
    assert.equal(own.kind === 'boolean', kind === 'BooleanOptionalAction', name)
    assert.equal(own.list === true, nargs === '+' || nargs === '*', name)
  }
})
