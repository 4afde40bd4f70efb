import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { vllm } from '../../src/engine/vllm.ts'
import { createStartup } from '../../src/serve/startup.ts'
import { opening, type Story } from '../../src/serve/story.ts'
import { toLines } from '../../src/std/lines.ts'
import type { Policy } from '../../src/supervisor/policy.ts'
import { initial, type State } from '../../src/supervisor/states.ts'

/** What an engine in this state says, all at one moment: what the supervisor is told, and how often the story changed by them. */
const hear = (
  state: State,
  texts: readonly string[],
): { readonly posts: readonly string[]; readonly changes: number; readonly story: Story } => {
  let story = opening
  let changes = 0
  const posts: string[] = []
  const startup = createStartup({
    adapter: vllm,
    clock: { now: () => 5000, wall: () => 5000 },
    log: { write: () => undefined, engineLines: () => undefined, open: async () => undefined },
    policy: { startupStallMs: 60_000 } as Policy,
    pastStarts: { read: async () => undefined, write: async () => undefined, teach: () => undefined },
    memory: () => undefined,
    story: () => story,
    change: (by) => {
      story = by(story)
      changes++
    },
    supervisor: () => ({ post: ({ kind }) => posts.push(kind), life: () => ({ ...initial, state }), pid: () => 7 }),
  })
  for (const text of texts) startup.onLines(toLines(text))
  return { posts, changes, story }
}

describe('createStartup() gives a start new time', () => {
  const worker = '(Worker pid=3) INFO 11-23 18:37:56 [x.py:1] still at it'
  const access = '(APIServer pid=7) INFO:     127.0.0.1:5 - "GET /metrics HTTP/1.1" 200 OK'
  const figures = '(APIServer pid=7) INFO 11-23 19:06:39 [loggers.py:273] Engine 000: Avg prompt throughput: 0.0 tokens/s'
  const request = '(APIServer pid=7) INFO 11-23 19:06:39 [logger.py:43] Received request cmpl-1: prompt: '
  const kernel = '(Worker pid=3) [aiter] start build [module_norm] under /x'
  const rows: readonly [claim: string, state: State, line: string, moves: boolean][] = [
    ['any line moves a load', { kind: 'starting' }, worker, true],
    ['also while one that stood still is examined', { kind: 'examining', from: 'starting' }, worker, true],
    ['our own questions do not', { kind: 'starting' }, access, false],
    ['while a first answer is waited for, figures do not', { kind: 'warming' }, figures, false],
    ['nor does the line of a question', { kind: 'warming' }, access, false],
    ['nor does what a worker says', { kind: 'warming' }, worker, false],
    ['nor does what a user asked for', { kind: 'warming' }, `${request}'start build [x]'`, false],
    ['whatever that is', { kind: 'warming' }, `${request}'Graph capturing finished'`, false],
    ['a kernel that is built for it does', { kind: 'warming' }, kernel, true],
    ['nothing does once it serves', { kind: 'ready' }, worker, false],
  ]
  for (const [claim, state, line, moves] of rows)
    test(claim, () => {
      const { posts, story } = hear(state, [`${line}\n`])
      assert.deepEqual([posts, story.moved], moves ? [['progressed'], { atMs: 5000, by: 'log' }] : [[], opening.moved])
    })

  test('by the lines of one text as by so many texts', () => {
    const lines = [worker, access, '(Worker pid=3) INFO 11-23 18:37:56 [x.py:1] Loading weights took 3.1 seconds', worker, kernel]
    for (const state of [{ kind: 'starting' }, { kind: 'warming' }] as const) {
      const apart = hear(
        state,
        lines.map((line) => `${line}\n`),
      )
      assert.deepEqual(hear(state, [`${lines.join('\n')}\n`]).story, apart.story)
      assert.equal(apart.story.phases.at(-1)?.name, 'kernel-jit')
    }
  })
  test('not by a text in which every line is one of our own questions', () =>
    assert.deepEqual(hear({ kind: 'starting' }, [`${access}\n${access}\n`]).posts, []))

  test('once for a flood that comes at one moment', () => {
    const { posts, changes } = hear(
      { kind: 'starting' },
      Array.from({ length: 5000 }, () => `${worker}\n`),
    )
    assert.deepEqual([posts, changes], [['progressed'], 1])
  })
})
