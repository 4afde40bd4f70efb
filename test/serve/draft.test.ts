import assert from 'node:assert/strict'
import { mkdir, mkdtemp, readdir, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, test } from 'node:test'
import type { Launch } from '../../src/plan/launch.ts'
import { readBoots, writeBoot } from '../../src/serve/boots.ts'
import { draftOf } from '../../src/serve/draft.ts'
import { readLastStart, writeLastStart } from '../../src/serve/last-start.ts'

describe('draftOf()', () => {
  const path = '/cache/aim/boots/x.json'
  const one = { pid: 1, at: 1_700_000_000_000, chance: 0.25 }
  const rows: readonly [claim: string, other: Partial<typeof one>][] = [
    ['two containers, each with a pid 1, in one millisecond', { chance: 0.25 + 2 ** -48 }],
    ['two containers that draw the same chance', { at: one.at + 1 }],
    ['two processes of one container', { pid: 2 }],
  ]
  for (const [claim, other] of rows)
    test(`${claim} write different files`, () => assert.notEqual(draftOf(path, { ...one, ...other }), draftOf(path, one)))

  for (const chance of [0, 0.5, 1 - 2 ** -53])
    test(`lies beside its place and is known as unfinished (chance ${chance})`, () =>
      assert.match(draftOf(path, { ...one, chance }), /^\/cache\/aim\/boots\/x\.json\.1\.1700000000000\.[0-9a-z]+\.aim-part$/))
})

const gpu = { product: 'AMD Instinct MI300X', gfx: 'gfx942', vramBytes: 2 ** 37 }
const launch = {
  engine: { name: 'vllm', argv: ['vllm'], env: {} },
  model: { id: 'a/b' },
  gpus: [gpu],
  profile: {},
  setup: { vramBytes: gpu.vramBytes, gfx: gpu.gfx, tensor: 1, utilization: 0.9 },
} as unknown as Launch
const keepers: readonly [
  what: string,
  write: (directory: string, ms: number) => Promise<void>,
  read: (directory: string) => Promise<number>,
][] = [
  [
    'the last start',
    (directory, totalMs) => writeLastStart(directory, launch, { phases: [{ name: 'import', ms: 1 }], totalMs }),
    async (directory) => (await readLastStart(directory, launch))?.totalMs ?? 0,
  ],
  [
    'what a start took',
    (directory, weightsBytes) => writeBoot(directory, launch, { weightsBytes }, 'served', new Date(weightsBytes)),
    async (directory) => (await readBoots(directory, launch.gpus, ['a/b'])).at(-1)?.weightsBytes ?? 0,
  ],
]
for (const [what, write, read] of keepers)
  test(`${what} is kept although another container with this pid writes in the same millisecond`, async (t) => {
    const directory = await mkdtemp(join(tmpdir(), 'aim-draft-'))
    t.after(() => rm(directory, { recursive: true }))
    await write(directory, 1)
    const [name = ''] = await readdir(directory)
    t.mock.method(Date, 'now', () => 5)
    for (const draft of [`${process.pid}`, `${process.pid}.5`]) await mkdir(join(directory, `${name}.${draft}.aim-part`))
    await write(directory, 2)
    assert.equal(await read(directory), 2)
  })
