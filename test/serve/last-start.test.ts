import assert from 'node:assert/strict'
import { chmod, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import type { Launch } from '../../src/plan/launch.ts'
import { keyOf, readLastStart, writeLastStart } from '../../src/serve/last-start.ts'

const launch = (argv: readonly string[], gpus: readonly object[] = []): Launch =>
  ({ engine: { name: 'vllm', argv, env: {} }, model: { id: 'a/b' }, gpus }) as unknown as Launch
const past = { phases: [{ name: 'import', ms: 5 }], totalMs: 6 }

let directory = ''
before(async () => {
  directory = await mkdtemp(join(tmpdir(), 'aim-starts-'))
})
after(() => rm(directory, { recursive: true, force: true }))

test('a start is found again by the same engine, model, arguments and GPUs, wherever it listens and whatever it is called', () => {
  const key = keyOf(launch(['vllm', 'serve', '/m', '--port', '1', '--max-model-len', '9']))
  assert.equal(keyOf(launch(['vllm', 'serve', '/m', '--port', '2', '--max-model-len', '9'])), key)
  for (const other of [
    launch(['vllm', 'serve', '/m', '--max-model-len', '8']),
    launch(['vllm', 'serve', '/m', '--max-model-len', '9'], [{ gfx: 'gfx942' }]),
  ])
    assert.notEqual(keyOf(other), key)
})

test('what was written is read again, and nothing else is left there', async () => {
  const there = join(directory, 'aim', 'starts')
  await writeLastStart(there, launch(['x']), past)
  assert.deepEqual(await readLastStart(there, launch(['x'])), past)
  assert.equal(await readLastStart(there, launch(['y'])), undefined)
  assert.equal((await readdir(there)).length, 1)
})

for (const text of [
  '',
  '{',
  '[]',
  '{"totalMs":"6","phases":[]}',
  '{"totalMs":6,"phases":[{"name":1,"ms":2}]}',
  '{"totalMs":-1,"phases":[{"name":"a","ms":2}]}',
])
  test(`takes ${JSON.stringify(text)} for no start`, async () => {
    await writeFile(join(directory, `${keyOf(launch(['z']))}.json`), text)
    assert.equal(await readLastStart(directory, launch(['z'])), undefined)
  })

test('a place that cannot be written or read is no error', async () => {
  await writeLastStart('/dev/null/starts', launch(['x']), past)
  const file = join(directory, 'file')
  await writeFile(file, '')
  await chmod(file, 0o400)
  await writeLastStart(join(file, 'starts'), launch(['x']), past)
  assert.equal(await readLastStart(join(file, 'starts'), launch(['x'])), undefined)
})
