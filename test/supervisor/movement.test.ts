import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { firstSample, notice, type ProcessSample, type TreeSample, type Witness } from '../../src/supervisor/movement.ts'

const stallMs = 1_200_000
const mib = 1024 ** 2

type Change = Partial<Omit<TreeSample, 'processes'>> & { readonly processes?: readonly Partial<ProcessSample>[] }

/** What each sample showed, five seconds apart; `from` gives the n-th. */
const story = (count: number, from: (index: number) => Change): readonly (Witness | undefined)[] => {
  const sample = (index: number): TreeSample => {
    const { processes = [{}], ...rest } = from(index)
    const whole = processes.map((entry, at): ProcessSample => ({ id: String(at), cpuMs: 0, bytes: 0, pages: 1000, ...entry }))
    return { at: 5000 * index, gpuBytes: undefined, lines: 0, ...rest, processes: whole }
  }
  let movement = firstSample(sample(0))
  return Array.from({ length: count }, (_, index) => {
    const { next, moved } = notice(movement, sample(index + 1), stallMs)
    movement = next
    return moved
  })
}
const all = (seen: readonly (Witness | undefined)[]): string => [...new Set(seen)].join(' ')

describe('notice()', () => {
  const rows: readonly [claim: string, count: number, from: (index: number) => Change, seen: string][] = [
    ['nothing is nothing', 1000, () => ({}), ''],
    ['a line of the log moves it', 3, (index) => ({ lines: index }), 'log'],
    ['reading moves it', 3, (index) => ({ processes: [{ bytes: index * 50 * mib }] }), 'bytes'],
    [
      'a disk of 300 kB a second moves it, each time a megabyte is full',
      8,
      (index) => ({ processes: [{ bytes: index * 1_500_000 }] }),
      'bytes',
    ],
    [
      'threads that look at each other read a little for ever: that is noise',
      2000,
      (index) => ({ processes: [{ bytes: index * 5000 }] }),
      '',
    ],
    ['weights that are mapped and not read take memory', 3, (index) => ({ processes: [{ pages: 1000 + index * 10_000 }] }), 'memory'],
    [
      'memory that goes up and down within what was seen is no progress',
      1000,
      (index) => ({ processes: [{ pages: 100_000 - 90_000 * (index % 2) }] }),
      '',
    ],
    ['weights that go to the GPU move it', 3, (index) => ({ gpuBytes: index * 100 * mib }), 'gpu-memory'],
    ['a GPU that nobody can read is no witness', 10, () => ({ gpuBytes: undefined }), ''],
    ['a process that waits wakes up now and then: no progress', 1000, (index) => ({ processes: [{ cpuMs: index * 50 }] }), ''],
    [
      'a compiler that is started anew again and again brings its own time',
      10,
      (index) => ({ processes: [{ id: `cc1plus ${index}`, cpuMs: 2000 }] }),
      'cpu',
    ],
  ]
  for (const [claim, count, from, seen] of rows) test(claim, () => assert.equal(all(story(count, from)), seen))

  test('time on the CPU alone counts for twice the limit: a start that hangs may spin', () => {
    const seen = story(1000, (index) => ({ processes: [{ cpuMs: index * 5000 }] }))
    assert.equal(seen.lastIndexOf('cpu') * 5000 + 5000, 2 * stallMs)
  })
  test('anything better gives it that time again', () => {
    const seen = story(1000, (index) => ({ lines: index < 400 ? 0 : 1, processes: [{ cpuMs: index * 5000 }] }))
    assert.equal(seen.lastIndexOf('cpu'), 399 + (2 * stallMs) / 5000)
  })
})
