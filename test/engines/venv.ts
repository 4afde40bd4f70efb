import { readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { ensureApt } from './apt.ts'
import { cacheDir, makeOnce, say } from './cache.ts'
import { run } from './run.ts'

// Debian's own, never one from PATH: a Debian container has the same at the same place, so a venv mounted there runs as it is.
const PYTHON = '/usr/bin/python3'

const makeVenv = async (venv: string) => {
  await ensureApt('python3', 'python3-venv')
  await run(PYTHON, ['-m', 'venv', venv])
}

const ensureUv = async (root: string) => {
  const venv = join(root, 'tools')
  await makeOnce(venv, 'uv', async () => {
    say(`installing uv into ${venv}`)
    await makeVenv(venv)
    await run(join(venv, 'bin/pip'), ['install', '--quiet', 'uv'])
  })
  return join(venv, 'bin/uv')
}

/** Makes a venv of Debian's Python and installs the requirements from PyPI; `overrides` replace what those requirements ask of others. */
export const installVenv = async (venv: string, requirements: string[], options: { root?: string; overrides?: string } = {}) => {
  const root = options.root ?? cacheDir()
  const uv = await ensureUv(root)
  await makeVenv(venv)
  // The download cache lies beside the venvs so that uv can hard-link instead of copying gigabytes.
  const env = { UV_CACHE_DIR: join(root, 'uv') }
  const override = options.overrides ? ['--override', options.overrides] : []
  await run(uv, ['pip', 'install', '--system-certs', '--quiet', '--python', join(venv, 'bin/python'), ...override, ...requirements], {
    env,
  })
}

/** The site-packages folder of a venv: what PYTHONPATH names when another Python of the same version is to run what is installed there. */
export const sitePackagesOf = async (venv: string) => {
  const version = (await readdir(join(venv, 'lib'))).find((name) => name.startsWith('python3.'))
  if (!version) throw new Error(`no lib/python3.* in ${venv}: remove that folder and run again`)
  return join(venv, 'lib', version, 'site-packages')
}
