import assert from 'node:assert/strict'
import { test } from 'node:test'
import { stripVTControlCharacters } from 'node:util'
import { painter } from '../../src/cli/paint.ts'
import { planScreen } from '../../src/cli/plan-screen.ts'
import { fitTable } from '../../src/cli/table.ts'
import { wrap } from '../../src/cli/wrap.ts'
import { fit } from '../../src/model/fit.ts'
import type { Launch } from '../../src/plan/launch.ts'
import { plan } from '../../src/plan/plan.ts'
import { isRefusal } from '../../src/plan/refusal.ts'
import { gib } from '../../src/std/bytes.ts'
import { adapter, inventory, machineGpus, policy, request, source } from '../plan/worlds.ts'
import { facts8b, profile } from '../recipes/worlds.ts'

const rivals = Array.from({ length: 9 }, (_, n) => profile({ gpu: 'MI355X', gpuCount: n + 1 }))
const made = plan(request(), inventory(machineGpus('MI300X')), [profile(), ...rivals], source(), policy, adapter)
if (isRefusal(made)) throw new Error(made.message)
const launch: Launch = made
const answer = fit(facts8b, { vramBytes: gib(192), tensor: 1, contextLength: 8192 })
const screen = (width: number, colours = false) =>
  planScreen(launch, answer, undefined, true, { width, paint: painter(colours) }).split('\n')

for (const width of [60, 80, 140]) {
  test(`no line is wider than ${width} columns but for a word that cannot be broken`, () => {
    for (const line of screen(width))
      assert.ok(line.length <= width || /^ {2,}\S+(?: \S+)?(?: \\)?$|^ {4}--/.test(line) || /vllm serve/.test(line), line)
  })
  test(`the bar fills ${width} columns, up to 80, with every part that there is`, () => {
    const bar = screen(width).find((line) => /^ {2}█+[▓▒░·]/.test(line)) ?? ''
    assert.equal(bar.length, Math.min(width, 80) - 2)
    assert.deepEqual([...new Set(bar.trim())], ['█', '▓', '▒', '░', '·'])
  })
}

test('colours only where they are wanted, and the same words without them', () => {
  assert.ok(!screen(80).join().includes('\x1b'))
  assert.equal(stripVTControlCharacters(screen(80, true).join('\n')), screen(80).join('\n'))
  assert.ok(screen(80, true).join().includes('\x1b[1mwhy'))
})

test('in a pipe a reason stays one line; what was rejected is counted by the first reason', () => {
  const lines = screen(Number.POSITIVE_INFINITY)
  for (const reason of launch.reasons) assert.ok(lines.includes(`  - ${reason}`), reason)
  assert.ok(
    lines.some((line) => /^ {2}- .*MI355X.* and 6 more$/.test(line)),
    lines.join('\n'),
  )
})

test('wrap() breaks at spaces, keeps a long word whole, and loses nothing', () => {
  assert.deepEqual(wrap('a bb ccc', 6, '  '), ['  a bb', '  ccc'])
  assert.deepEqual(wrap('a looooong b', 5), ['a', 'looooong', 'b'])
})

test('a table that is too wide becomes rows of which nothing is lost, and no line is too wide', () => {
  const head = ['RUNS HERE', 'GPUS', 'WOULD RUN ON']
  const rows = [['  org/name', '1x MI300X', '2x MI355X or 4x MI300X']]
  assert.equal(fitTable(head, rows, 80).split('\n').length, 2)
  const narrow = fitTable(head, rows, 42).split('\n')
  assert.deepEqual(narrow, ['RUNS HERE', '  org/name', '      1x MI300X, would run on 2x MI355X or', '      4x MI300X'])
})
