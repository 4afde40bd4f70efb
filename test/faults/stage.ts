import { chmod, cp, mkdir, mkdtemp, readdir, rm, truncate, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { buildModel } from '../hub/model.ts'
import type { FaultStage } from './scene.ts'

/** Engines that do something else besides, or instead. */
const engines: Readonly<Record<string, string>> = {
  'eat-memory': `exec python3 -c "x = b'x' * (2 << 30)"`,
  'keep-shared-memory': `python3 -c 'import time; from multiprocessing.shared_memory import SharedMemory; m = SharedMemory(create=True, size=1 << 20); time.sleep(600)' &
exec aim simulator "$@"`,
  'endless-line': `head -c 50000000 /dev/zero | tr '\\0' x
exec aim simulator "$@"`,
}

/** The lines of vLLM 0.32 that show causes which a machine without a GPU cannot have (vllm/v1/worker/utils.py, vllm/v1/core/kv_cache_utils.py, vllm/config). */
const logs: Readonly<Record<string, string>> = {
  'memory-held':
    '(EngineCore pid=88) ValueError: Free memory on device cuda:0 (12.50/191.98 GiB) on startup is less than desired GPU memory utilization (0.9, 172.79 GiB).',
  'kv-cache-too-small':
    "(EngineCore pid=88) ValueError: To serve at least one request with the model's max seq len (131072), (16.00 GiB KV cache is needed, which is larger than the available KV cache memory (8.00 GiB). Based on the available memory, the estimated maximum model length is 65536.",
  'kv-cache-too-small-for-2048':
    "(EngineCore pid=88) ValueError: To serve at least one request with the model's max seq len (2048), (0.13 GiB KV cache is needed, which is larger than the available KV cache memory (0.10 GiB). Based on the available memory, the estimated maximum model length is 1600.",
  'unknown-architecture':
    "(APIServer pid=88)   Value error, Model architectures ['FooForCausalLM'] are not supported for now. Supported architectures: ['LlamaForCausalLM'] [type=value_error, input_value=ArgsKwargs(()), input_type=ArgsKwargs]",
  'no-gpu': '(EngineCore pid=88) RuntimeError: No HIP GPUs are available',
}

/** Truncates the last weight file by a few bytes, as a copy that broke off leaves it. */
const tear = async (directory: string): Promise<void> => {
  const name =
    (await readdir(directory))
      .filter((file) => file.endsWith('.safetensors'))
      .sort()
      .at(-1) ?? ''
  await truncate(join(directory, name), 300_000)
}

/** What the rows find at /stage: models, whole and broken, engines that misbehave, logs of failed starts. */
export const setFaultStage = async (): Promise<FaultStage & AsyncDisposable> => {
  const directory = await mkdtemp(join(tmpdir(), 'aim-faults-'))
  await buildModel(join(directory, 'tiny'), { megabytes: 2, shards: 2 })
  await cp(join(directory, 'tiny'), join(directory, 'torn'), { recursive: true })
  await tear(join(directory, 'torn'))
  await mkdir(join(directory, 'logs'))
  for (const [name, text] of Object.entries(logs)) await writeFile(join(directory, 'logs', name), `${text}\n`)
  for (const [name, script] of Object.entries(engines)) await writeFile(join(directory, name), `#!/bin/sh\n${script}\n`, { mode: 0o755 })
  await chmod(directory, 0o755)
  return { directory, repo: 'aim-demo/tiny-llama', [Symbol.asyncDispose]: () => rm(directory, { recursive: true, force: true }) }
}
