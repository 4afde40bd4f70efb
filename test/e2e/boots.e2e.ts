/** What a start teaches the next plan: an engine that logs as vLLM does on an MI300X, on a captured machine. */
import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { chmodSync, mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { promisify } from 'node:util'
import { mi300x } from '../fixtures/hardware/machines.ts'
import { writeTree } from '../fixtures/hardware/tree.ts'
import { llama8b } from '../model/configs.ts'
import { aimCommand, bareEnvironment, startAim } from '../stage/aim.ts'
import { until } from '../stage/until.ts'

const run = promisify(execFile)

type Plan = {
  readonly reasons: readonly string[]
  readonly fit: { readonly kvBytes: number; readonly verdict: string }
}

describe('a start on a GPU', () => {
  let directory: string
  before(() => {
    directory = mkdtempSync(join(tmpdir(), 'aim-boots-'))
    writeTree(mi300x(1), join(directory, 'machine'))
    mkdirSync(join(directory, 'model'))
    writeFileSync(join(directory, 'model/config.json'), JSON.stringify({ ...llama8b, max_position_embeddings: 4096 }))
  })
  after(() => rmSync(directory, { recursive: true }))

  const environment = (engine: string, cache: string): Record<string, string> => ({
    ...bareEnvironment(),
    ...{ AIM_ENGINE_COMMAND: engine, AIM_SIMULATOR_SPEED: '40', AIM_SIMULATOR_KV_TOKENS: '1000000000', AIM_HOST: '127.0.0.1' },
    AIM_ENGINE_ARGS: '{"load-format": "dummy"}',
    ...{ AIM_CACHE_PATH: join(directory, cache), AIM_MODEL_ID: join(directory, 'model'), AIM_SYSFS_ROOT: join(directory, 'machine') },
  })

  /** An engine that says `lines` as one of vLLM's processes, and then `ends` or behaves like one. */
  const engineSaying = (name: string, lines: readonly string[], ends = false): string => {
    const path = join(directory, name)
    const simulator = [...aimCommand, 'simulator'].map((word) => `'${word}'`).join(' ')
    writeFileSync(`${path}.log`, lines.map((line) => `(EngineCore pid=7) ${line}\n`).join(''))
    writeFileSync(path, `#!/bin/sh\ncat '${path}.log'\n${ends ? 'exit 1' : `exec ${simulator} "$@"`}\n`)
    chmodSync(path, 0o755)
    return path
  }

  const planned = async (cache: string, ...words: readonly string[]): Promise<Plan> => {
    const [file, ...rest] = aimCommand
    const { stdout } = await run(file, [...rest, 'plan', '--format', 'json', ...words], { env: environment('vllm', cache) })
    return JSON.parse(stdout) as Plan
  }

  const kept = (cache: string): readonly string[] => {
    try {
      return readdirSync(join(directory, cache, 'aim/boots'))
    } catch {
      return []
    }
  }

  test('that served corrects the next plan of the same, which says from what; a damaged file teaches nothing', async () => {
    const before = await planned('served')
    const engine = engineSaying('served.sh', [
      'INFO 11-28 10:00:00 [gpu_model_runner.py:90] Model loading took 15.1 GiB memory and 2.5 seconds',
      'INFO 11-28 10:00:09 [gpu_worker.py:260] Available KV cache memory: 140.5 GiB',
    ])
    {
      await using aim = await startAim({ environment: environment(engine, 'served') })
      await aim.until('ready')
      await until('what it took is kept', () => kept('served').length === 1 || undefined)
    }
    const next = await planned('served')
    const learned = next.reasons.find((reason) => reason.startsWith('memory corrected by what the engine logged'))
    assert.match(learned ?? next.reasons.join('\n'), /15 GiB of weights, 141 GiB left for the KV cache/)
    assert.ok(Math.abs(next.fit.kvBytes / 2 ** 30 - 140.5) < 0.01, String(next.fit.kvBytes))
    assert.notEqual(before.fit.kvBytes, next.fit.kvBytes)
    writeFileSync(join(directory, 'served/aim/boots', kept('served')[0] ?? ''), '[{"at": 1, "setup": {')
    assert.deepEqual(await planned('served'), before)
  })

  test('that the engine refused is no plan any more: what is planned instead counts with what it took, and says why not the same', async () => {
    const engine = engineSaying(
      'refused.sh',
      [
        'INFO 11-28 10:00:00 [gpu_model_runner.py:90] Model loading took 15.1 GiB memory and 2.5 seconds',
        'INFO 11-28 10:00:09 [gpu_worker.py:260] Available KV cache memory: 0.4 GiB',
        "ERROR 11-28 10:00:09 [core.py:1510] ValueError: To serve at least one request with the model's max seq len (4096), (0.5 GiB KV cache is needed, which is larger than the available KV cache memory (0.4 GiB).",
      ],
      true,
    )
    await using aim = await startAim({ environment: { ...environment(engine, 'refused'), AIM_MIN_MODEL_LEN: '0' } })
    assert.equal(await aim.exited, 78)
    assert.equal(kept('refused').length, 1)
    const { fit, reasons } = await planned('refused')
    assert.ok(Math.abs(fit.kvBytes / 2 ** 30 - 0.4) < 0.01, String(fit.kvBytes))
    assert.notEqual(fit.verdict, 'fits')
    assert.match(reasons.join('\n'), /the engine logged in .*: 15 GiB of weights, 410 MiB left for the KV cache/)
    const same = await planned('refused', '--', '--max-model-len', '4096', '--kv-cache-dtype', 'auto').catch((error) => error)
    assert.equal(same.code, 69, JSON.stringify(same))
    assert.match(same.stderr, /was refused for a request of 4096 tokens/)
  })
})
