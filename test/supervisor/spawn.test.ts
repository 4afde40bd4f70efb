import assert from 'node:assert/strict'
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, test } from 'node:test'
import { type SpawnFailure, spawnProgram } from '../../src/supervisor/spawn.ts'

/** How a spawn of `file` in `directory` fails. */
const failureOf = (file: string, directory: string): Promise<SpawnFailure> =>
  new Promise((resolve, reject) =>
    spawnProgram(
      { file, arguments: [], directory, environment: {} },
      {
        onSpawned: () => undefined,
        onLine: () => undefined,
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
