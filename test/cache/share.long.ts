/** Many processes that pull into one volume, killed and paused at random; every kill point of one. */
import assert from 'node:assert/strict'
import { randomInt } from 'node:crypto'
import { mkdtempSync, rmSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { locate } from '../../src/cache/locate.ts'
import { until } from '../stage/until.ts'
import { brokenIn, leftIn, startPuller } from './pullers.ts'
import { patterned, scratch, serve } from './setup.ts'

const mebi = 1024 ** 2

/** Numbers from a seed, which is printed, so that a world can be run again: AIM_TEST_SEED. */
const chance = (t: TestContext): ((below: number) => number) => {
  let state = Number(process.env.AIM_TEST_SEED ?? randomInt(2 ** 31))
  t.diagnostic(`seed ${state}`)
  return (below) => {
    state = (state * 1103515245 + 12345) % 2 ** 31
    return state % below
  }
}

/** In memory, so that the disk of a shared machine does not decide. */
const memory = (t: TestContext): string => {
  const directory = mkdtempSync('/dev/shm/aim-share-')
  t.after(() => rmSync(directory, { recursive: true, force: true }))
  return directory
}

const shards = (count: number, bytes: number): Record<string, Buffer> =>
  Object.fromEntries(
    Array.from({ length: count }, (_, index) => [
      `model-${index}.safetensors`,
      Buffer.concat([Buffer.from(`shard ${index}\n`.padEnd(16)), patterned(bytes - 16)]),
    ]),
  )

const assertWhole = async (cacheDir: string, files: Readonly<Record<string, Buffer>>): Promise<void> => {
  const snapshot = locate(cacheDir, 'org/m', 'main')
  assert.deepEqual(snapshot?.missing, [])
  for (const [name, content] of Object.entries(files)) assert.ok((await readFile(join(snapshot?.path ?? '', name))).equals(content), name)
  assert.deepEqual(leftIn(cacheDir), [])
}

test('100 random kills: what is published is always right, and the pull that follows is whole', async (t) => {
  const random = chance(t)
  const files = shards(4, 12 * mebi)
  const faults = [{ at: 'cdn', kind: 'drip', bytesPerSecond: 8 * mebi } as const]
  const { server } = await serve(t, { repos: { 'org/m': { files } }, faults })
  for (let kills = 0; kills < 100; ) {
    const cacheDir = memory(t)
    for (let killed = true; killed; ) {
      const puller = startPuller(server.url, cacheDir)
      const bytes = random(50 * mebi)
      await Promise.race([until('the kill point', () => (puller.bytesDone() >= bytes ? true : undefined), 120_000), puller.ended])
      await Promise.race([sleep(random(100)), puller.ended])
      puller.child.kill('SIGKILL')
      killed = (await puller.ended) === 'SIGKILL'
      if (killed) kills++
      else assert.equal(await puller.ended, 0, puller.errors())
      assert.deepEqual(brokenIn(cacheDir), [])
    }
    await assertWhole(cacheDir, files)
    rmSync(cacheDir, { recursive: true })
  }
})

test('four processes on one volume fetch each byte once', async (t) => {
  const files = shards(12, 32 * mebi)
  const faults = [{ at: 'cdn', kind: 'drip', bytesPerSecond: 8 * mebi } as const]
  const { server } = await serve(t, { repos: { 'org/m': { files } }, faults })
  const cacheDir = memory(t)
  const pullers = Array.from({ length: 4 }, () => startPuller(server.url, cacheDir))
  for (const puller of pullers) assert.equal(await puller.ended, 0, puller.errors())
  const ratio = server.sent.bytes / (12 * 32 * mebi)
  t.diagnostic(`${ratio.toFixed(4)} times the bytes`)
  assert.ok(ratio <= 1.02)
  await assertWhole(cacheDir, files)
})

for (const kind of ['of one machine', 'that cannot see each other'] as const) {
  test(`four processes ${kind}, killed and paused at random, end with one right copy and nothing left`, async (t) => {
    const random = chance(t)
    const files = shards(24, 32 * mebi)
    const faults = [{ at: 'cdn', kind: 'drip', bytesPerSecond: 8 * mebi } as const]
    const { server } = await serve(t, { repos: { 'org/m': { files } }, faults })
    const cacheDir = memory(t)
    // A PID namespace of its own each: then only silence tells that another is dead.
    const wrap = kind === 'of one machine' ? [] : ['unshare', '--pid', '--fork', '--kill-child=SIGKILL']
    let strikes = 0
    const seat = async (): Promise<void> => {
      for (;;) {
        const puller = startPuller(server.url, cacheDir, {}, wrap)
        const strike = strikes < 8 && random(10) < 7
        if (strike) {
          strikes++
          await Promise.race([
            until('some bytes', () => (puller.bytesDone() > random(600) * mebi ? true : undefined), 200_000),
            puller.ended,
          ])
          if (puller.child.exitCode !== null) strikes--
          else if (random(2) === 0) puller.child.kill('SIGKILL')
          else {
            puller.signal('SIGSTOP')
            await sleep(500 + random(4000))
            puller.signal('SIGCONT')
          }
        }
        const end = await puller.ended
        assert.deepEqual(brokenIn(cacheDir), [])
        if (end === 0) return
        assert.ok(['SIGKILL', 137].includes(end), `${end} ${puller.errors()}`)
      }
    }
    await Promise.all([seat(), seat(), seat(), seat()])
    const ratio = server.sent.bytes / (24 * 32 * mebi)
    t.diagnostic(`${strikes} strikes, ${ratio.toFixed(4)} times the bytes`)
    assert.ok(ratio <= 1.05)
    // Whoever comes later finds nothing to do, and nothing stale.
    const later = startPuller(server.url, cacheDir)
    assert.equal(await later.ended, 0, later.errors())
    await assertWhole(cacheDir, files)
  })
}

test('a kill right before every single call that changes the file system', async (t) => {
  const files = { ...shards(2, 3 * mebi), 'config.json': Buffer.from('{}') }
  const { server } = await serve(t, { repos: { 'org/m': { files } } })
  const whole = startPuller(server.url, await scratch(t))
  assert.equal(await whole.ended, 0, whole.errors())
  const steps = Number(/(\d+) steps/.exec(whole.output())?.[1])
  t.diagnostic(`${steps} calls`)
  for (let step = 1; step <= steps; step++) {
    const cacheDir = memory(t)
    await startPuller(server.url, cacheDir, { killAt: step }).ended
    assert.deepEqual(brokenIn(cacheDir), [], `step ${step}`)
    const next = startPuller(server.url, cacheDir)
    assert.equal(await next.ended, 0, `step ${step}: ${next.errors()}`)
    await assertWhole(cacheDir, files)
    rmSync(cacheDir, { recursive: true })
  }
})
