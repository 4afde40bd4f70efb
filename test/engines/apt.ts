import { say } from './cache.ts'
import { heldLock } from './lock.ts'
import { run, succeeds } from './run.ts'

const isInstalled = async (name: string) => {
  const known = await succeeds('dpkg', ['-s', name])
  return known && (await run('dpkg', ['-s', name])).includes('\nStatus: install ok installed\n')
}

const missingOf = async (packages: string[]) => {
  const installed = await Promise.all(packages.map(isInstalled))
  return packages.filter((_, i) => !installed[i])
}

const install = async (packages: string[]) => {
  say(`apt-get install ${packages.join(' ')}`)
  const env = { DEBIAN_FRONTEND: 'noninteractive' }
  // An unreachable third-party source fails the update as a whole though Debian's own lists arrived; the install below is the judge.
  await succeeds('apt-get', ['update'])
  await run('apt-get', ['install', '-y', '--no-install-recommends', ...packages], { env })
}

/** Installs those of the Debian packages that this machine lacks, saying which before it does. Wants root only when one is missing. */
export const ensureApt = async (...packages: string[]) => {
  const missing = await missingOf(packages)
  if (missing.length === 0) return
  if (process.getuid?.() !== 0) throw new Error(`missing Debian packages, install them as root: apt-get install ${missing.join(' ')}`)
  // A package may start a daemon, which must not hold a lock of ours for as long as it lives.
  await heldLock.exit(() => install(missing))
}
