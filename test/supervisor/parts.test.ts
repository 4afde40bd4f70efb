import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { linesOf, toLines } from '../../src/std/lines.ts'
import { healthOf } from '../../src/supervisor/health.ts'
import { maxLineLength, splitLines } from '../../src/supervisor/lines.ts'
import { gracePeriodMs, type Policy, stagesFor, withinGrace } from '../../src/supervisor/policy.ts'
import { descendantsOf, isAlive, mayRead, type ProcessEntry, parseStat } from '../../src/supervisor/process-table.ts'
import { backoffMs } from '../../src/supervisor/restart.ts'
import { createRing } from '../../src/supervisor/ring.ts'
import type { State } from '../../src/supervisor/states.ts'

describe('healthOf()', () => {
  const stopping: State = { kind: 'stopping', reason: 'stalled', next: 'restart', killed: false }
  const rows: readonly [state: State, everReady: boolean, startup: number, live: number, ready: number][] = [
    [{ kind: 'idle' }, false, 503, 200, 503],
    [{ kind: 'pulling' }, false, 503, 200, 503],
    [{ kind: 'starting' }, false, 503, 200, 503],
    [{ kind: 'warming' }, false, 503, 200, 503],
    [stopping, false, 503, 200, 503],
    [{ kind: 'backoff', reason: 'engine-exited' }, false, 503, 200, 503],
    [{ kind: 'ready' }, true, 200, 200, 200],
    [{ kind: 'unready', stalled: false }, true, 200, 200, 503],
    [{ kind: 'unready', stalled: true }, true, 200, 503, 503],
    [{ kind: 'draining' }, true, 200, 200, 503],
    [stopping, true, 200, 200, 503],
    [{ kind: 'starting' }, true, 200, 200, 503],
    [{ kind: 'warming' }, true, 200, 200, 503],
    [{ kind: 'terminated', reason: 'requested', exitCode: 0 }, true, 503, 503, 503],
  ]
  for (const [state, everReady, startup, live, ready] of rows) {
    test(`${state.kind}${everReady ? ' after the first ready' : ''}: startup ${startup}, live ${live}, ready ${ready}`, () =>
      assert.deepEqual(healthOf(state, everReady), { startup, live, ready }))
  }
})

describe('parseStat()', () => {
  const rest = (parent: number) => `S ${parent} 12 13 0 -1 4194560 1 0 0 0 7 3 0 0 20 0 1 0 4242 1 99`
  test('reads a name with spaces and parentheses', () => {
    assert.deepEqual(parseStat(`77 (a) b (c)) ${rest(5)}`), {
      pid: 77,
      name: 'a) b (c)',
      state: 'S',
      parent: 5,
      group: 12,
      session: 13,
      threads: 1,
      ticks: 10,
      pages: 99,
      startTime: '4242',
    })
  })
  for (const text of ['', '77', '77 (sh', '77 (sh) S 1'])
    test(`takes ${JSON.stringify(text)} for nothing`, () => assert.equal(parseStat(text), undefined))
})

test('descendantsOf() finds the whole tree and leaves out what is excepted with all below it', () => {
  const entry = (pid: number, parent: number): ProcessEntry => ({
    pid,
    parent,
    name: '',
    state: 'S',
    group: 0,
    session: 0,
    threads: 1,
    ticks: 0,
    pages: 0,
    startTime: '',
  })
  const table = [entry(2, 1), entry(3, 2), entry(4, 3), entry(5, 1), entry(6, 5), entry(7, 99)]
  assert.deepEqual(
    descendantsOf(table, 1, new Set([5])).map(({ pid }) => pid),
    [2, 3, 4],
  )
})

describe('isAlive()', () => {
  const rows: readonly [claim: string, state: string, threads: number, alive: boolean][] = [
    ['a process that runs', 'S', 1, true],
    ['a process that hangs in the kernel', 'D', 1, true],
    ['a zombie is none', 'Z', 1, false],
    ['a zombie of which one more thread lives', 'Z', 2, true],
    ['a zombie whose pool of threads lives', 'Z', 64, true],
  ]
  for (const [claim, state, threads, alive] of rows) test(claim, () => assert.equal(isAlive({ state, threads }), alive))
})

describe('mayRead()', () => {
  const rows: readonly [claim: string, state: string, may: boolean][] = [
    ['a process that runs or sleeps', 'S', true],
    ['a zombie', 'Z', true],
    ['not one that hangs in the kernel', 'D', false],
  ]
  for (const [claim, state, may] of rows) test(claim, () => assert.equal(mayRead({ state }), may))
})

describe('splitLines()', () => {
  const split = (pieces: readonly (string | Uint8Array)[], limit?: number): readonly string[] => {
    const lines: string[] = []
    const splitter = splitLines(({ bytes }) => lines.push(...linesOf(bytes.toString())), limit)
    for (const piece of pieces) splitter.push(typeof piece === 'string' ? Buffer.from(piece) : piece)
    splitter.end()
    return lines
  }
  const long = 'x'.repeat(40_000)
  const rows: readonly [claim: string, pieces: readonly string[], lines: readonly string[], limit?: number][] = [
    ['joins what came in pieces', ['a', 'b\nc', '\n'], ['ab', 'c']],
    ['splits at carriage returns', ['1%\r2%\r\n'], ['1%', '2%']],
    ['leaves empty lines out', ['\n\na\n\n'], ['a']],
    ['keeps a last line without an end', ['a\nb'], ['a', 'b']],
    ['cuts at the limit it was given', ['abcde\nfg'], ['abc…', 'fg'], 3],
    ['cuts nothing where there is none', [long, long, '\n'], [long + long], Number.POSITIVE_INFINITY],
    ['nor a last line without an end', [long, long], [long + long], Number.POSITIVE_INFINITY],
  ]
  for (const [claim, pieces, lines, limit] of rows) test(claim, () => assert.deepEqual(split(pieces, limit), lines))
  test('gives the same lines wherever the pieces are cut', () => {
    const text = `\n\nshort\n\r\n1%\r2%\r${'long'.repeat(20)}\n${'x'.repeat(12)}\n\nand €😀é\nthe end`
    const whole = split([text], 12)
    assert.deepEqual(whole, ['short', '1%', '2%', 'longlonglong…', 'x'.repeat(12), 'and €😀é', 'the end'])
    const bytes = Buffer.from(text)
    for (let length = 1; length < bytes.length; length++) {
      const pieces = Array.from({ length: Math.ceil(bytes.length / length) }, (_, at) => bytes.subarray(at * length, (at + 1) * length))
      assert.deepEqual(split(pieces, 12), whole, `pieces of ${length}`)
    }
  })
  for (const character of ['x', 'é', '€', '😀'])
    test(`cuts a line of ${character} that never ends`, () => {
      const piece = character.repeat(maxLineLength)
      const [line = '', next] = split([piece, piece, '\n', 'next\n'])
      assert.equal(line, `${(piece + piece).slice(0, maxLineLength)}…`)
      assert.equal(next, 'next')
    })
})

describe('createRing()', () => {
  const rows: readonly [claim: string, texts: readonly string[], lines: readonly string[]][] = [
    ['is empty at first', [], []],
    ['holds what there is', ['a\n', 'b\n'], ['a', 'b']],
    ['holds the last lines in order', ['a\n', 'b\n', 'c\n', 'd\n'], ['b', 'c', 'd']],
    ['holds the last of a text of many', ['a\nb\nc\nd\ne\n'], ['c', 'd', 'e']],
    ['holds the last of two texts', ['a\nb\n', 'c\nd\n'], ['b', 'c', 'd']],
    ['forgets texts as whole as they came', ['a\n', 'b\nc\nd\n', 'e\nf\ng\n'], ['e', 'f', 'g']],
  ]
  for (const [claim, texts, lines] of rows)
    test(claim, () => {
      const ring = createRing(3)
      for (const text of texts) ring.push(toLines(text))
      assert.deepEqual(ring.lines(), lines)
    })
  test('holds the last of a flood whole, of whatever length and alphabet, though its memory is used again', () => {
    const ring = createRing(500)
    const all = Array.from({ length: 20_000 }, (_, at) => `${at} ${'aé€😀'.repeat(at % 97)}${at % 4999 === 0 ? 'x'.repeat(70_000) : ''}`)
    for (let at = 0; at < all.length; at += 1 + (at % 7)) {
      ring.push(toLines(`${all.slice(at, at + 1 + (at % 7)).join('\n')}\n`))
      if (at % 101 === 0) assert.deepEqual(ring.lines(), all.slice(0, at + 1 + (at % 7)).slice(-500))
    }
    assert.deepEqual(ring.lines(), all.slice(-500))
  })
})

test('backoffMs() is nothing at first, then doubles to its cap and takes between half and all of it', () => {
  const restart = { when: 'always', intensity: 9, periodMs: 1, baseMs: 100, capMs: 500, healthyMs: 600_000 } as const
  assert.deepEqual(
    [1, 2, 3, 4, 5].map((failures) => backoffMs(failures, 0, restart)),
    [0, 50, 100, 200, 250],
  )
  assert.equal(backoffMs(9, 1, restart), 500)
})

test('gracePeriodMs() is the sum of every stage, so that no stage is cut', () => {
  const policy = { drainDelayMs: 1, drainMs: 2, stopMs: 4, killMs: 8, reclaimMs: 16 } as Policy
  assert.equal(gracePeriodMs(policy), 1031)
  assert.equal(gracePeriodMs({ ...policy, requested: { stopMs: 1, killMs: 1, reclaimMs: 1 } }), 1006)
})

describe('withinGrace()', () => {
  const policy = { drainDelayMs: 5000, drainMs: 60_000, stopMs: 20_000, killMs: 5000, reclaimMs: 30_000 } as Policy
  const rows: readonly [graceMs: number, drainDelayMs: number, drainMs: number, stopMs: number][] = [
    [10_000, 1000, 3500, 2500],
    [2000, 200, 700, 500],
    [60_000, 5000, 27_000, 15_000],
    [120_999, 5000, 60_000, 20_000],
    [121_000, 5000, 60_000, 20_000],
  ]
  for (const [graceMs, drainDelayMs, drainMs, stopMs] of rows) {
    test(`fits a stop into ${graceMs} ms: ${drainMs} ms for requests, ${stopMs} ms for the engine's own end`, () => {
      const cut = withinGrace(policy, graceMs)
      assert.deepEqual([cut.drainDelayMs, cut.drainMs, (cut.requested ?? cut).stopMs], [drainDelayMs, drainMs, stopMs])
      assert.ok(graceMs < 10_000 || gracePeriodMs(cut) <= graceMs)
    })
  }
  test('leaves a policy alone that fits', () => assert.equal(withinGrace(policy, 121_000), policy))
  test('an end that nobody asked for keeps its full stages', () =>
    assert.equal(stagesFor(withinGrace(policy, 10_000), false).stopMs, 20_000))
})
