import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { variables } from '../../src/config/variables.ts'
import { fitLastWords, formatLastWords, type LastWords } from '../../src/serve/last-words.ts'
import type { Leaving } from './programs/leaver.ts'

const program = join(import.meta.dirname, 'programs/leaver.ts')
const words: LastWords = { exitCode: 7, whose: 'engine', sentence: 'it broke', fix: 'mend it', evidence: ['a line'] }

describe('leave() and quit()', () => {
  let directory = ''
  before(() => {
    directory = mkdtempSync(join(tmpdir(), 'aim-leave-'))
  })
  after(() => rmSync(directory, { recursive: true }))

  let serial = 0
  const run = (environment: Record<string, string>, leaving: Partial<Leaving> = {}) => {
    const [listener, terminationLog] = [join(directory, `listener-${serial++}`), join(directory, `termination-log-${serial}`)]
    const given = { AIM_MODEL_ID: 'org/name', AIM_TERMINATION_LOG: terminationLog, ...environment }
    const all: Leaving = { environment: given, exitCode: 7, words, listener, ...leaving }
    const { status, stdout, stderr } = spawnSync(process.execPath, [program, JSON.stringify(all)], { encoding: 'utf8' })
    return { status, stdout, stderr, listener, terminationLog }
  }

  test("the last words stand at the end of stderr and in the termination log, the engine's line on stdout", () => {
    const { stdout, stderr, terminationLog } = run({})
    assert.ok(stderr.endsWith(`\n${formatLastWords(words)}`), stderr)
    assert.equal(stdout, 'a line of the engine\n')
    assert.equal(readFileSync(terminationLog, 'utf8'), fitLastWords(words))
  })

  test('a path that cannot be written to changes neither the words nor the code', () => {
    const { status, stderr } = run({ AIM_TERMINATION_LOG: directory })
    assert.equal(status, 7)
    assert.ok(stderr.endsWith(`\n${formatLastWords(words)}`), stderr)
  })

  for (const format of ['text', 'json'])
    test(`the kubelet's own termination log is not made where the kubelet has not (AIM_LOG_FORMAT=${format})`, () => {
      const before = existsSync(variables.terminationLog.default)
      assert.equal(run({ AIM_LOG_FORMAT: format, AIM_TERMINATION_LOG: variables.terminationLog.default }).status, 7)
      const made = existsSync(variables.terminationLog.default)
      if (made && !before) rmSync(variables.terminationLog.default)
      assert.equal(made, before)
    })

  test('under AIM_LOG_FORMAT=json every line is a document and the last one is the last words', () => {
    const { stdout, stderr } = run({ AIM_LOG_FORMAT: 'json' })
    const lines = `${stdout}${stderr}`
      .split('\n')
      .filter((line) => line !== '')
      .map((line) => JSON.parse(line))
    const { exitCode, whose, msg, fix, evidence, level } = lines.at(-1)
    assert.deepEqual({ exitCode, whose, sentence: msg, fix, evidence }, words)
    assert.equal(level, 'critical')
  })

  for (const exitCode of [7, 0])
    test(`who listens for the end is told of a ${exitCode}, and the process ends with it`, () => {
      const { status, listener } = run({}, { exitCode })
      assert.deepEqual([readFileSync(listener, 'utf8'), status], [`${exitCode}`, exitCode])
    })
})
