/** Published start-ups, asked of the command line as their authors ran them. */
import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { test } from 'node:test'
import { promisify } from 'node:util'
import { gib } from '../../src/std/bytes.ts'
import { configOf, failed, fixtures, flagsOf, type Measured, measuredStarts, replay, wordsOf } from '../bench/measured.ts'
import { aimCommand, bareEnvironment } from '../stage/aim.ts'

const run = promisify(execFile)

type Document = {
  readonly verdict: string
  readonly fit: { readonly weightsBytesPerGpu: number; readonly cacheTokens?: number; readonly kvBytes: number }
}

const ask = async (start: Measured): Promise<Document> => {
  const [file, ...rest] = aimCommand
  const words = [...rest, 'fit', configOf(start)?.path ?? '', ...wordsOf(flagsOf(start)), '--format', 'json']
  // What does not fit exits 69 and says so all the same.
  const { stdout } = await run(file, words, { env: bareEnvironment() }).catch((error: { code: number; stdout: string }) => {
    assert.equal(error.code, 69, error.stdout)
    return error
  })
  return JSON.parse(stdout) as Document
}

/** Each is a process of its own. */
const asked = 24

/** One of each model, GPU and count: the rest differs in the folder of the log alone. */
const distinct = (all: readonly Measured[]): readonly Measured[] => [
  ...new Map(
    all.filter((start) => replay(start) !== undefined).map((start) => [`${start.model_id} ${start.gpu} ${start.gpu_count_tp}`, start]),
  ).values(),
]

test('published start-ups can be replayed by `aim fit`: weights near the log, none that ran refused, none that failed a fit', async (t) => {
  const all = measuredStarts()
  if (all === undefined)
    return t.diagnostic(`no measured starts in ${fixtures}: nothing was compared; AIM_SHARED names the folder that holds fixtures/`)
  const starts = distinct(all).slice(0, asked)
  assert.ok(starts.length >= 20, `only ${starts.length} can be asked`)
  for (const start of starts) {
    const document = await ask(start)
    const name = `${start.model_id} on ${start.gpu_count_tp}x ${start.gpu}`
    if (failed(start)) assert.notEqual(document.verdict, 'fits', name)
    else assert.notEqual(document.verdict, 'no', name)
    const { model_loading_gib: loaded } = start
    if (loaded !== null) assert.ok(Math.abs(document.fit.weightsBytesPerGpu / gib(loaded) - 1) < 0.04, `${name}: ${loaded} GiB`)
  }
  t.diagnostic(`${starts.length} start-ups`)
})
