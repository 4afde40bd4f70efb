import assert from 'node:assert/strict'
import { test } from 'node:test'
import { checkRequest, checkSelection, type FlagRules } from '../../src/plan/check-arguments.ts'
import { isRefusal } from '../../src/plan/refusal.ts'
import { loadCatalog } from '../../src/recipes/catalog.ts'
import { schema } from '../engine/flag-rows.ts'
import { hasTree, unpackTree, withoutTree } from '../recipes/amd-tree.ts'
import { profile } from '../recipes/worlds.ts'
import { request } from './worlds.ts'

const rules: FlagRules = { schema, strict: true, directory: '/workspace' }

test('all problems of both variables are in one refusal', () => {
  const refusal = checkRequest(request({ engineArguments: { prot: 1, 'max-num-seqs': 'x' }, extraArguments: ['--seed'] }), rules)
  assert.ok(isRefusal(refusal))
  assert.equal(refusal.exitCode, 78)
  assert.match(refusal.message, /AIM_ENGINE_ARGS: --prot .*\n.*AIM_ENGINE_ARGS: --max-num-seqs .*\n.*extra arguments: --seed needs a value/)
  assert.match(refusal.fix, /AIM_STRICT=false/)
})

test('a secret is refused before any value of an argument is said', () => {
  const refusal = checkRequest(request({ engineArguments: { port: 'x' }, extraArguments: ['--api-key', 'sk-123'] }), rules)
  assert.ok(isRefusal(refusal))
  assert.doesNotMatch(refusal.message, /sk-123/)
  assert.match(refusal.fix, /VLLM_API_KEY/)
})

test('not strict: passed on as it is, with a warning', () => {
  const checked = checkRequest(request({ engineArguments: { 'max-modl-len': 1 }, extraArguments: ['--sed_mode=1'] }), {
    ...rules,
    strict: false,
  })
  assert.ok(!isRefusal(checked))
  assert.deepEqual([checked.request.engineArguments, checked.request.extraArguments], [{ 'max-modl-len': 1 }, ['--sed_mode=1']])
  assert.match(checked.warnings.join('\n'), /did you mean --max-model-len\?; passed on .*\(AIM_STRICT=false\)\n.*--sed-mode is no flag/)
})

test('full names, and paths below the directory of the user', () => {
  const given = { engineArguments: { chat_template: 't.jinja' }, extraArguments: ['--gpu-mem', '0.5', '--ssl-keyfile=k.pem'] }
  const checked = checkRequest(request(given), rules)
  assert.ok(!isRefusal(checked))
  assert.deepEqual(checked.request.engineArguments, { 'chat-template': '/workspace/t.jinja' })
  assert.deepEqual(checked.request.extraArguments, ['--gpu-memory-utilization', '0.5', '--ssl-keyfile', '/workspace/k.pem'])
})

test("a profile's moved flag is translated and told; an unknown one names the profile's file", () => {
  const moved = checkSelection({ profile: profile({ arguments: { 'swap-space': 64, seed: 1 } }), reasons: [], rejected: [] }, rules)
  assert.ok(!isRefusal(moved))
  assert.deepEqual(moved.profile.arguments, { seed: 1 })
  assert.match(moved.reasons.join(), /--swap-space is no flag/)
  const wrong = checkSelection(
    { profile: profile({ source: '/x/p.yaml', arguments: { 'enforce-eagr': true } }), reasons: [], rejected: [] },
    rules,
  )
  assert.ok(isRefusal(wrong))
  assert.match(wrong.message, /\/x\/p\.yaml\n {2}--enforce-eagr .*did you mean --enforce-eager/)
})

test('every profile that AMD ships can be used: what moved is translated, nothing is refused', async (context) => {
  if (!hasTree) return context.skip(withoutTree)
  const { profiles: tree, remove } = unpackTree()
  const { profiles } = await loadCatalog([tree])
  remove()
  assert.ok(profiles.length >= 170)
  for (const one of profiles) {
    const checked = checkSelection({ profile: one, reasons: [], rejected: [] }, rules)
    assert.ok(!isRefusal(checked), isRefusal(checked) ? checked.message : '')
  }
})
