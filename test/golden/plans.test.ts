/** The golden table, and what others have seen to run. */
import assert from 'node:assert/strict'
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { cardOf } from '../../src/hardware/cards.ts'
import { describe } from '../../src/model/describe.ts'
import { loadCatalog } from '../../src/recipes/catalog.ts'
import { failingsOf } from '../../src/recipes/hard-tests.ts'
import { fitOn } from '../../src/recipes/memory.ts'
import { isRefusal } from '../../src/recipes/refusal.ts'
import { failed, measuredStarts, replay } from '../bench/measured.ts'
import { hasTree, unpackTree, withoutTree } from '../recipes/amd-tree.ts'
import { profile } from '../recipes/worlds.ts'
import { asks, decide, factsOf, machines, models, planTable } from './plans.ts'

const shared = join(process.env.AIM_SHARED ?? join(import.meta.dirname, '../../../shared'), 'fixtures')
const { profiles } = await loadCatalog([join(import.meta.dirname, '../../recipes')])

test('the plans for 13 models on 26 machines are those of the golden table: npm run golden writes it again', async () => {
  const lines = async () => (await planTable()).split('\n')
  const golden = readFileSync(join(import.meta.dirname, 'plans.txt'), 'utf8').split('\n')
  assert.equal(models.length * machines.length, 338)
  for (const [at, line] of (await lines()).entries()) assert.equal(line, golden[at], `line ${at + 1}`)
  assert.equal((await lines()).length, golden.length)
})

test('a machine with more of the same GPUs is never refused what one with fewer gets', () => {
  for (const model of models) {
    for (const product of ['MI300X', 'MI325X', 'MI355X', 'R9700', 'RX7900XTX']) {
      const refused = [1, 2, 3, 4, 5, 6, 7, 8].map((amount) => isRefusal(decide(asks(model, product, amount), profiles).answer))
      assert.equal(refused.lastIndexOf(true) < (refused.indexOf(false) + 9) % 9, true, `${model} ${product} ${refused}`)
    }
  }
})

test("what one of AMD's profiles is for is never refused, neither to ours nor for its memory", async (t) => {
  if (!hasTree) return t.diagnostic(withoutTree)
  const { profiles: root, remove } = unpackTree()
  const theirs = (await loadCatalog([root]).finally(remove)).profiles.filter(({ model = '' }) => models.includes(model))
  assert.ok(theirs.length > 100)
  for (const each of theirs) {
    const { model = '', checkpoint = model, gpu, gpuCount, id } = each
    const exact = asks(model, gpu, gpuCount, { profileId: id })
    const facts = factsOf(checkpoint)
    assert.ok(facts !== undefined, checkpoint)
    assert.deepEqual(failingsOf(each, { ...exact, facts }), [], `${model} ${id}`)
    const { answer } = decide(asks(model, gpu, gpuCount), profiles)
    assert.ok(!isRefusal(answer), `${model} on ${gpuCount}x ${gpu}`)
  }
})

type Start = {
  readonly model_id: string
  readonly gpu: string | null
  readonly vllm_version: string
  readonly gpu_count_tp: number
  readonly gpu_memory_utilization: number | null
  readonly max_model_len: number | null
  readonly max_num_batched_tokens: number | null
  readonly max_num_seqs: number | null
  readonly kv_cache_dtype: string | null
}

const argumentsOf = (start: Start) =>
  Object.fromEntries(
    Object.entries({
      'gpu-memory-utilization': start.gpu_memory_utilization,
      'max-model-len': start.max_model_len,
      'max-num-batched-tokens': start.max_num_batched_tokens,
      'max-num-seqs': start.max_num_seqs,
      'kv-cache-dtype': start.kv_cache_dtype,
    }).filter(([, value]) => value !== null),
  )

test('what was measured to start on a GPU of AMD is never refused', (t) => {
  const sample = join(shared, 'measured-startups-sample.jsonl')
  if (!existsSync(sample)) return t.diagnostic(`no measured starts at ${sample}: nothing was compared; AIM_SHARED names its folder`)
  const starts = readFileSync(sample, 'utf8')
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as Start)
  let seen = 0
  for (const start of starts.filter(({ gpu }) => gpu?.startsWith('AMD'))) {
    const config = join(shared, 'model-configs', `${start.model_id.replace('/', '__')}.json`)
    if (!existsSync(config)) continue
    seen++
    const facts = describe(JSON.parse(readFileSync(config, 'utf8')), [])
    const product = start.gpu?.split(' ').at(-1) ?? ''
    const run = profile({
      gpu: product,
      gpuCount: start.gpu_count_tp,
      precision: 'bf16',
      model: start.model_id,
      arguments: argumentsOf(start),
    })
    const question = asks(start.model_id, product, start.gpu_count_tp, { facts, engineVersion: start.vllm_version })
    assert.notEqual(cardOf(product), undefined)
    assert.deepEqual(failingsOf(run, question), [], JSON.stringify(start))
  }
  t.diagnostic(`${seen} starts on GPUs of AMD`)
  assert.ok(seen >= 10)
})

test('what was measured to start is never said not to fit, and what was measured to fail is never called a fit', (t) => {
  const starts = measuredStarts()
  if (starts === undefined) return t.diagnostic('no measured starts: nothing was compared; AIM_SHARED names their folder')
  const counts: Record<string, number> = {}
  for (const start of starts) {
    const verdict = replay(start)?.fit.verdict
    if (verdict === undefined) continue
    assert.notEqual(verdict, failed(start) ? 'fits' : 'no', JSON.stringify(start))
    const what = `${failed(start) ? 'failed' : 'ran'}, said: ${verdict}`
    counts[what] = (counts[what] ?? 0) + 1
  }
  t.diagnostic(JSON.stringify(counts))
  assert.ok((counts['ran, said: fits'] ?? 0) > 20 && Object.keys(counts).some((what) => what.startsWith('failed')))
})

test('a fit holds one request with the least that may be left, what is likely with the most, and the table says both', () => {
  const counts = { fits: 0, likely: 0 }
  for (const model of models) {
    for (const [product, amount] of machines) {
      const { answer, question } = decide(asks(model, product, amount), profiles)
      if (isRefusal(answer)) continue
      const fit = fitOn(answer.profile, question, question.gpus[0] ?? {})
      assert.ok(fit?.requestBytes !== undefined && fit.verdict !== 'no', `${model} on ${amount}x ${product}`)
      const holds = (bytes: number) => bytes > 0 && bytes >= (fit.requestBytes ?? 0)
      assert.deepEqual(
        [holds(fit.kvBytesLeast), holds(fit.kvBytesMost)],
        [fit.verdict === 'fits', true],
        `${model} on ${amount}x ${product}`,
      )
      counts[fit.verdict]++
    }
  }
  assert.ok(counts.likely > 0 && counts.fits > counts.likely, JSON.stringify(counts))
})
