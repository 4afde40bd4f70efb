import assert from 'node:assert/strict'
import { test } from 'node:test'
import { inParallel } from '../../src/cache/in-parallel.ts'

test('inParallel() does every item, never more than `width` at once', async () => {
  const done: number[] = []
  let running = 0
  let most = 0
  await inParallel([1, 2, 3, 4, 5, 6, 7], 3, undefined, async (item) => {
    most = Math.max(most, ++running)
    await Promise.resolve()
    running--
    done.push(item)
  })
  assert.deepEqual([done.toSorted(), most], [[1, 2, 3, 4, 5, 6, 7], 3])
})

test('inParallel() stops the others at the first failure, waits for them, and throws that one', async () => {
  const ended: number[] = []
  const work = async (item: number, signal: AbortSignal): Promise<void> => {
    if (item === 1) throw new Error('first')
    await new Promise((resolve) => signal.addEventListener('abort', resolve))
    ended.push(item)
    throw new Error('second')
  }
  await assert.rejects(inParallel([2, 3, 1, 4, 5], 3, undefined, work), /first/)
  assert.deepEqual(ended, [2, 3])
})

test('inParallel() begins nothing once the signal is aborted', async () => {
  await inParallel([1], 1, AbortSignal.abort(), () => Promise.reject(new Error('begun')))
})
