/** Processes that pull and are killed: what they leave is never wrong, and the next one goes on with it. */
import assert from 'node:assert/strict'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { test } from 'node:test'
import { locate } from '../../src/cache/locate.ts'
import { until } from '../stage/until.ts'
import { brokenIn, leftIn, startPuller } from './pullers.ts'
import { files, patterned, scratch, serve } from './setup.ts'

const assertWhole = async (cacheDir: string, expected: Readonly<Record<string, string | Buffer>>): Promise<void> => {
  const snapshot = locate(cacheDir, 'org/m', 'main')
  assert.deepEqual(snapshot?.missing, [])
  for (const [name, content] of Object.entries(expected))
    assert.ok((await readFile(join(snapshot?.path ?? '', name))).equals(Buffer.from(content)), name)
}

test('a pull that is killed right before a call that changes the file system is made whole by the next, which leaves nothing', async (t) => {
  const { server } = await serve(t, { repos: { 'org/m': { files } } })
  const whole = startPuller(server.url, await scratch(t))
  assert.equal(await whole.ended, 0, whole.errors())
  const steps = Number(/(\d+) steps/.exec(whole.output())?.[1])
  t.diagnostic(`${steps} calls`)
  assert.ok(steps > 50)
  for (let step = 1; step <= steps; step += 12) {
    const cacheDir = await scratch(t)
    const killed = startPuller(server.url, cacheDir, { killAt: step })
    assert.ok(['SIGKILL', 0].includes(await killed.ended), killed.errors())
    assert.deepEqual(brokenIn(cacheDir), [], `step ${step}`)
    const next = startPuller(server.url, cacheDir)
    assert.equal(await next.ended, 0, `step ${step}: ${next.errors()}`)
    await assertWhole(cacheDir, files)
    assert.deepEqual(leftIn(cacheDir), [], `step ${step}`)
  }
})

test('a pull that is killed at half fetches at most a fiftieth again', async (t) => {
  const bytes = 160 * 1024 ** 2
  const large = { 'config.json': '{}', 'model.safetensors': patterned(bytes) }
  const faults = [{ at: 'cdn', kind: 'drip', bytesPerSecond: 20 * 1024 ** 2 } as const]
  const { server } = await serve(t, { repos: { 'org/m': { files: large } }, faults })
  const cacheDir = await scratch(t)
  const killed = startPuller(server.url, cacheDir)
  await until('half of it', () => (killed.bytesDone() > bytes / 2 ? true : undefined))
  killed.child.kill('SIGKILL')
  await killed.ended
  const had = killed.bytesDone()
  server.requests.length = 0
  const next = startPuller(server.url, cacheDir)
  assert.equal(await next.ended, 0, next.errors())
  await assertWhole(cacheDir, large)
  const asked = server.requests
    .filter((request) => request.server === 'cdn')
    .map(({ range }) => /bytes=(\d+)-(\d+)/.exec(range ?? '') ?? [])
    .reduce((sum, [, start, end]) => sum + Number(end) - Number(start) + 1, 0)
  const again = asked - (bytes - had)
  t.diagnostic(`${had} bytes were there, ${again} were fetched again (${((100 * again) / bytes).toFixed(2)} %)`)
  assert.ok(again <= bytes / 50)
})

test('SIGTERM leaves the part with its journal for the next, and no lease', async (t) => {
  const bytes = 60 * 1024 ** 2
  const faults = [{ at: 'cdn', kind: 'drip', bytesPerSecond: 10 * 1024 ** 2 } as const]
  const { server } = await serve(t, { repos: { 'org/m': { files: { 'model.safetensors': patterned(bytes) } } }, faults })
  const cacheDir = await scratch(t)
  const stopped = startPuller(server.url, cacheDir)
  await until('a third of it', () => (stopped.bytesDone() > bytes / 3 ? true : undefined))
  stopped.child.kill('SIGTERM')
  await stopped.ended
  assert.equal(leftIn(cacheDir).filter((name) => name.includes('/claims/')).length, 0)
  assert.equal(leftIn(cacheDir).length, 2)
  const next = startPuller(server.url, cacheDir)
  await until('what was there', () => (next.bytesDone() > bytes / 4 ? true : undefined))
  assert.ok(Number(/^(\d+) of/m.exec(next.output().split('\n').slice(1).join('\n'))?.[1]) >= bytes / 4, next.output())
  assert.equal(await next.ended, 0)
  assert.deepEqual(leftIn(cacheDir), [])
})
