/** Pullers on two mounts of one directory, each of which remembers names and attributes of its own: what two machines on a network volume see. */
import assert from 'node:assert/strict'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import type { LeaseTimes } from '../../src/cache/claim.ts'
import { locate } from '../../src/cache/locate.ts'
import { until } from '../stage/until.ts'
import { mountTwice } from './mounts.ts'
import { brokenIn, leftIn, startPuller } from './pullers.ts'
import { patterned, serve } from './setup.ts'

const mebi = 1024 ** 2
const count = 8
const files = Object.fromEntries(
  Array.from({ length: count }, (_, index) => [
    `model-${index}.safetensors`,
    Buffer.concat([Buffer.from(`shard ${index}\n`.padEnd(16)), patterned(64 * mebi - 16)]),
  ]),
)

/** As in the field, a tenth as long: dead is who was silent for longer than a mount remembers, and some beats of a busy machine. */
const timesFor = (seconds: number): LeaseTimes => ({ beatMs: 1000, staleMs: (seconds + 8) * 1000, stuckMs: 60_000, pollMs: 200 })

const assertWhole = async (directories: readonly string[]): Promise<void> => {
  for (const directory of directories) {
    const snapshot = await until(`${directory} shows all`, () => {
      const found = locate(directory, 'org/m', 'main')
      return found?.missing.length === 0 ? found : undefined
    })
    for (const [name, content] of Object.entries(files)) assert.ok((await readFile(join(snapshot.path, name))).equals(content), name)
  }
}

/** Two pullers on each mount; gives the bytes that were sent, in copies. */
const race = async (t: TestContext, seconds: number, kills: number): Promise<number> => {
  const { server } = await serve(t, { repos: { 'org/m': { files } }, faults: [{ at: 'cdn', kind: 'drip', bytesPerSecond: mebi / 2 }] })
  const { directory, mounts } = await mountTwice(t, seconds)
  let left = kills
  const seat = async (mount: string): Promise<void> => {
    for (;;) {
      const puller = startPuller(server.url, mount, { times: timesFor(seconds) })
      if (left > 0) {
        left--
        await Promise.race([until('some bytes', () => (puller.bytesDone() > 100 * mebi ? true : undefined), 200_000), puller.ended])
        puller.child.kill('SIGKILL')
      }
      const end = await puller.ended
      assert.deepEqual(brokenIn(directory), [])
      if (end === 0) return
      assert.equal(end, 'SIGKILL', puller.errors())
    }
  }
  await Promise.all([...mounts, ...mounts].map(seat))
  await assertWhole([directory, ...mounts])
  const later = startPuller(server.url, mounts[0], { times: timesFor(seconds) })
  assert.equal(await later.ended, 0, later.errors())
  assert.deepEqual(leftIn(directory), [])
  const copies = server.sent.bytes / (count * 64 * mebi)
  t.diagnostic(`${copies.toFixed(4)} times the bytes`)
  return copies
}

for (const seconds of [0, 5]) {
  const cache = seconds === 0 ? 'no attribute cache' : `${seconds} s of attribute cache`
  test(`four processes on two mounts with ${cache} fetch each byte once`, async (t) => {
    assert.ok((await race(t, seconds, 0)) <= 1.02)
  })

  test(`four processes on two mounts with ${cache}, two of them killed, end with one right copy and nothing left`, async (t) => {
    assert.ok((await race(t, seconds, 2)) <= 1.05)
  })
}
