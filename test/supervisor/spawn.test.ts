import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, test } from 'node:test'
import { linesOf } from '../../src/std/lines.ts'
import { readLines } from '../../src/supervisor/pipe.ts'
import { type SpawnFailure, spawnProgram } from '../../src/supervisor/spawn.ts'

/** How a spawn of `file` in `directory` fails. */
const failureOf = (file: string, directory: string): Promise<SpawnFailure> =>
  new Promise((resolve, reject) =>
    spawnProgram(
      { file, arguments: [], directory, environment: {} },
      {
        onSpawned: () => undefined,
        onLines: () => undefined,
        onGone: () => undefined,
        onExit: () => reject(new Error('it ran')),
        onSpawnFailed: resolve,
      },
    ),
  )

describe('spawnProgram() tells apart', () => {
  test('a program that is not there', async () =>
    assert.deepEqual(await failureOf('/absent/vllm', tmpdir()), { code: 'ENOENT', exitCode: 127 }))
  test('a working directory that is not there', async () =>
    assert.deepEqual(await failureOf('/bin/sh', '/absent'), { code: 'ENOENT', exitCode: 126, directory: '/absent' }))
  test('a working directory that is a file', async () =>
    assert.deepEqual(await failureOf('/bin/sh', '/bin/sh'), { code: 'ENOTDIR', exitCode: 126, directory: '/bin/sh' }))
  test('a file that is not executable', async () => {
    const directory = mkdtempSync(join(tmpdir(), 'aim-spawn-'))
    const file = join(directory, 'vllm')
    writeFileSync(file, '#!/bin/sh\n')
    chmodSync(file, 0o644)
    assert.deepEqual(await failureOf(file, directory), { code: 'EACCES', exitCode: 126 })
    rmSync(directory, { recursive: true })
  })
})

/** Runs a shell script; gives its lines of standard output and the most characters of it that one turn of the event loop read. */
const readAll = async (script: string): Promise<{ readonly lines: readonly string[]; readonly mostInTurn: number }> => {
  const lines: string[] = []
  let inTurn = 0
  let mostInTurn = 0
  let reading = true
  const turn = (): void => {
    mostInTurn = Math.max(mostInTurn, inTurn)
    inTurn = 0
    if (reading) setImmediate(turn)
  }
  turn()
  await new Promise<void>((resolve) =>
    spawnProgram(
      { file: '/bin/sh', arguments: ['-c', script], directory: tmpdir(), environment: { PATH: process.env.PATH ?? '' } },
      {
        onSpawned: () => undefined,
        onSpawnFailed: () => resolve(),
        onLines: ({ bytes }) => {
          lines.push(...linesOf(bytes.toString()))
          inTurn += bytes.length
        },
        onGone: () => undefined,
        onExit: () => resolve(),
      },
    ),
  )
  reading = false
  return { lines, mostInTurn }
}

describe('spawnProgram() reads a flood', () => {
  for (const [claim, script, expected] of [
    ['whole and in order, to the last line before the exit', 'seq 1 300000; exit 3', 300_000],
    ['from a writer of large pieces', 'seq 1 300000 | dd bs=1M iflag=fullblock 2>/dev/null', 300_000],
    ['from a writer of small pieces', 'seq 1 300000 | dd bs=2k 2>/dev/null', 300_000],
  ] as const) {
    test(`${claim}, and lets others have their turn`, async () => {
      const { lines, mostInTurn } = await readAll(script)
      assert.equal(lines.length, expected)
      assert.equal(
        lines.findIndex((line, at) => line !== String(at + 1)),
        -1,
      )
      // Two slices: one before the counting of a turn and one after it.
      assert.ok(mostInTurn <= 2 * 16_384 + 16, `${mostInTurn} bytes in one turn`)
    })
  }
  test('with characters that slices and pieces cut in two', async () => {
    const { lines } = await readAll(`awk 'BEGIN { for (i = 0; i < 30000; i++) print i "€😀é" }'`)
    assert.equal(lines.length, 30_000)
    assert.equal(
      lines.findIndex((line, at) => line !== `${at}€😀é`),
      -1,
    )
  })
})

test('readLines() reads a pipe of Node as well, where no other can be had', async () => {
  const lines: string[] = []
  const child = spawn('seq', ['1', '300000'], { stdio: ['ignore', 'pipe', 'inherit'] })
  await readLines(child.stdout, ({ bytes }) => lines.push(...linesOf(bytes.toString())))
  assert.deepEqual([lines.length, lines.at(-1)], [300_000, '300000'])
})

test('a program can open its own output by name, as start-up scripts do', async () => {
  // It happened: Node's pipes to a child are sockets, which cannot be opened (ENXIO), so that such a script failed with us alone.
  const { lines } = await readAll('echo first; echo second > /dev/stdout && echo third >> /proc/self/fd/1')
  assert.deepEqual(lines, ['first', 'second', 'third'])
})
