import { mkdir, readFile, rm, writeFile } from 'node:fs/promises'
import { homedir } from 'node:os'
import { join, resolve } from 'node:path'
import { withLock } from './lock.ts'

const MARKER = '.complete'

/** The folder outside the checkout that keeps engines, models and logs between test runs. */
export const cacheDir = () => {
  const xdg = process.env.XDG_CACHE_HOME || join(homedir(), '.cache')
  return resolve(process.env.AIM_TEST_CACHE || join(xdg, 'aim-engine-test'))
}

/** Tells the person waiting what is being done now: one line per step, on standard error so that results stay alone on standard output. */
export const say = (line: string) => console.error(`engines: ${line}`)

const isComplete = async (dir: string, recipe: string) => (await readFile(join(dir, MARKER), 'utf8').catch(() => '')) === recipe

/** Fills `dir` by `make` unless it was filled whole by the same recipe before; what a broken or older run left there is removed first. */
export const makeOnce = async (dir: string, recipe: string, make: () => Promise<void>) => {
  if (await isComplete(dir, recipe)) return
  await withLock(`${dir}.lock`, async () => {
    if (await isComplete(dir, recipe)) return
    await rm(dir, { recursive: true, force: true })
    await mkdir(dir, { recursive: true })
    await make()
    await writeFile(join(dir, MARKER), recipe)
  })
}
