import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import type { ExitMeaning } from '../../src/engine/adapter.ts'
import { type Blame, blame, cannotEnd, cannotSpawn } from '../../src/serve/blame.ts'
import type { Stall } from '../../src/serve/stall.ts'
import type { Exit } from '../../src/supervisor/exit.ts'
import type { SpawnFailure } from '../../src/supervisor/spawn.ts'

describe('blame()', () => {
  const sigkill: Exit = { kind: 'signal', signal: 'SIGKILL', number: 9 }
  const killed: ExitMeaning = {
    cause: 'killed',
    sentence: 'somebody killed it',
    fix: 'find out who',
    permanent: false,
    evidence: ['Killed'],
  }
  const load: Stall = { atMs: 5, sentence: 'the start stood still', fix: 'raise the limit', evidence: ['state S'] }
  const serving: Stall = { atMs: 9, sentence: 'core 0 takes no step', fix: 'report it', evidence: ['state T'] }
  const rows: readonly [claim: string, meaning: ExitMeaning, exit: Exit, stall: Stall | undefined, blamed: Blame][] = [
    [
      'a load that stood still, not of the SIGKILL that we sent for it',
      killed,
      sigkill,
      load,
      { cause: 'stalled', whose: 'killed', sentence: 'the start stood still', fix: 'raise the limit', evidence: ['state S'] },
    ],
    [
      'a serving engine that stood still, not of what its last lines say',
      { cause: 'out-of-memory', sentence: 'memory ran out', permanent: true, exitCode: 69, evidence: ['OOM'] },
      sigkill,
      serving,
      { cause: 'stalled', whose: 'killed', sentence: 'core 0 takes no step', fix: 'report it', evidence: ['state T'] },
    ],
    [
      "a SIGKILL of somebody else's where nothing stood still",
      killed,
      sigkill,
      undefined,
      {
        cause: 'killed',
        whose: 'engine',
        sentence: 'somebody killed it; the engine was ended by SIGKILL',
        fix: 'find out who',
        evidence: ['Killed'],
      },
    ],
    [
      'a cause with a code of ours, which is then ours',
      { cause: 'bad-argument', sentence: 'no such flag', permanent: true, exitCode: 78, evidence: [] },
      { kind: 'code', code: 2 },
      undefined,
      { cause: 'bad-argument', whose: 'aim', sentence: 'no such flag; the engine exited with code 2', evidence: [] },
    ],
    [
      'an unknown cause, whose sentence has the end already',
      { cause: 'unknown', sentence: 'it exited with code 2', permanent: false, evidence: [] },
      { kind: 'code', code: 2 },
      undefined,
      { cause: 'unknown', whose: 'engine', sentence: 'it exited with code 2', evidence: [] },
    ],
  ]
  for (const [claim, meaning, exit, stall, blamed] of rows)
    test(`it ended of ${claim}`, () => assert.deepEqual(blame(meaning, exit, stall), blamed))
})

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
