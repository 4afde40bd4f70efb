/** What we think that vLLM takes against what its own parser takes. */
import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { before, describe, test } from 'node:test'
import { promisify } from 'node:util'
import { renderArguments } from '../../src/engine/arguments.ts'
import { loadCatalog } from '../../src/recipes/catalog.ts'
import { refused, taken } from '../engine/flag-rows.ts'
import { ensureRealEngine } from '../engines/install.ts'

const root = join(import.meta.dirname, '../..')
const run = promisify(execFile)

describe("the flags that we ship and vLLM 0.32's own parser", () => {
  let [python, sources] = ['', '']
  before(async () => {
    const { venv, sitePackages } = await ensureRealEngine()
    ;[python, sources] = [join(venv, 'bin/python'), join(sitePackages, 'vllm')]
  })

  /** What the real parser has against each list of words; null is nothing. */
  const judge = async (all: readonly (readonly string[])[]): Promise<readonly (string | null)[]> => {
    const asked = run(python, [join(import.meta.dirname, 'parse_words.py')])
    asked.child.stdin?.end(all.map((words) => `${JSON.stringify(words)}\n`).join(''))
    const lines = (await asked).stdout.split('\n').filter((line) => /^(?:null|")/.test(line))
    assert.equal(lines.length, all.length)
    return lines.map((line) => JSON.parse(line))
  }

  test('the shipped schema is what the parser says of itself', async () => {
    const { stdout } = await run(python, [join(root, 'docker/engine-flags.py')], { maxBuffer: 1 << 24 })
    const { build, ...said } = JSON.parse(stdout)
    assert.match(build, /^[0-9a-f]{8}$/, 'builds are told apart by what they compile with')
    assert.deepEqual(said, JSON.parse(readFileSync(join(root, 'src/engine/flags/vllm-0.32.0.json'), 'utf8')))
  })

  test('it takes what we take, and refuses what we refuse', async () => {
    const wrong = refused.flatMap(([, , , words]) => (words === undefined ? [] : [words]))
    const answers = await judge([...taken.map(([, , words]) => words), ...wrong])
    for (const [at, [what]] of taken.entries()) assert.equal(answers[at], null, what)
    for (const [at, words] of wrong.entries()) assert.ok(answers[taken.length + at], words.join(' '))
  })

  test('it takes the arguments of every shipped recipe', async () => {
    const { profiles } = await loadCatalog([join(root, 'recipes')])
    const answers = await judge(profiles.map((profile) => renderArguments(profile.arguments)))
    assert.ok(profiles.length > 100)
    for (const [at, { model, id }] of profiles.entries()) assert.equal(answers[at], null, `${model} ${id}`)
  })

  test('it has the parsers and the variables of every shipped recipe, which it takes by name and looks up only when it starts', async () => {
    const { profiles } = await loadCatalog([join(root, 'recipes')])
    const named = (file: string) => new Set([...readFileSync(join(sources, file), 'utf8').matchAll(/"(\w+)":/g)].map(([, name]) => name))
    const given = (name: string) =>
      new Set(profiles.flatMap(({ arguments: args }) => (args[name] === undefined ? [] : [String(args[name])])))
    const variables = new Set(profiles.flatMap(({ environment }) => Object.keys(environment).filter((name) => name.startsWith('VLLM_'))))
    for (const [asked, file] of [
      [given('tool-call-parser'), 'tool_parsers/__init__.py'],
      [given('reasoning-parser'), 'reasoning/__init__.py'],
      [variables, 'envs.py'],
    ] as const) {
      assert.ok(asked.size > 3)
      assert.deepEqual([...asked.difference(named(file))], [], file)
    }
  })
})
