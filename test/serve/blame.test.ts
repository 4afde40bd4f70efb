import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { cannotEnd, cannotSpawn } from '../../src/serve/blame.ts'
import type { SpawnFailure } from '../../src/supervisor/spawn.ts'

describe('cannotSpawn()', () => {
  const rows: readonly [failure: SpawnFailure, sentence: RegExp, fix: RegExp][] = [
    [{ code: 'ENOENT', exitCode: 127 }, /was not found/, /AIM_ENGINE_COMMAND/],
    [{ code: 'EACCES', exitCode: 126 }, /no execute permission .* noexec/, /executable file/],
    [{ code: 'EAGAIN', exitCode: 126 }, /no more processes are allowed/, /--pids-limit/],
    [{ code: 'ENOEXEC', exitCode: 126 }, /no program for this machine/, /architecture/],
    [{ code: 'ENOMEM', exitCode: 126 }, /lack of host memory/, /memory limit/],
    [{ code: 'ENOENT', exitCode: 126, directory: '/gone' }, /working directory \/gone cannot be entered \(ENOENT\)/, /TMPDIR/],
    [{ code: 'ELOOP', exitCode: 126 }, /cannot be run \(ELOOP\)/, /AIM_ENGINE_COMMAND/],
  ]
  for (const [failure, sentence, fix] of rows)
    test(`says ${sentence.source} for ${failure.code}${failure.directory === undefined ? '' : ' of the directory'}`, () => {
      const words = cannotSpawn(undefined, failure)
      assert.match(words.sentence, sentence)
      assert.match(words.fix ?? '', fix)
      assert.equal(words.exitCode, failure.exitCode)
    })
})

test('cannotEnd() names a process in state D with where in the kernel it sleeps', () =>
  assert.match(
    cannotEnd([{ pid: 7, name: 'VLLM::Worker', state: 'D', wchan: 'amdgpu_vm_fini', stack: 'dma_fence_wait < amdgpu_vm_fini' }]).sentence,
    /VLLM::Worker \(pid 7, state D, sleeps in amdgpu_vm_fini, kernel stack dma_fence_wait < amdgpu_vm_fini\)/,
  ))
