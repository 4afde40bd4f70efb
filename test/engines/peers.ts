import { join } from 'node:path'
import { cacheDir, makeOnce, say } from './cache.ts'
import { installVenv } from './venv.ts'

/** Installs one version of a Python package into a venv of its own, once per machine, for tests that compare with what it does. */
export const ensurePeer = async (name: string, version: string, root = cacheDir()) => {
  const venv = join(root, 'peers', `${name}-${version}`)
  await makeOnce(venv, `${name} ${version}`, async () => {
    say(`installing ${name} ${version} into ${venv}`)
    await installVenv(venv, [`${name}==${version}`], { root })
  })
  return { venv, python: join(venv, 'bin/python'), hf: join(venv, 'bin/hf') }
}
