import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { run } from './run.ts'

const APT = '/etc/apt'
const SUITE = 'bookworm'

const fieldOf = (stanza: string, name: string) => stanza.match(new RegExp(`^${name}:\\s*(.*)$`, 'm'))?.[1]?.split(/\s+/) ?? []

const fromDeb822 = (text: string) => text.split(/\n\s*\n/).find((stanza) => fieldOf(stanza, 'Suites').includes(SUITE))

const fromList = (text: string) => text.match(new RegExp(`^deb\\s+(?:\\[.*?\\]\\s+)?(\\S+)\\s+${SUITE}\\s`, 'm'))?.[1]

const mirrorIn = async (file: string) => {
  const text = await readFile(file, 'utf8').catch(() => '')
  return file.endsWith('.sources') ? fieldOf(fromDeb822(text) ?? '', 'URIs')[0] : fromList(text)
}

// Stand-ins must build wherever the machine's own packages come from, so no mirror is named here.
const findMirror = async () => {
  const more = (await readdir(join(APT, 'sources.list.d')).catch(() => [])).sort().map((name) => join(APT, 'sources.list.d', name))
  for (const file of [join(APT, 'sources.list'), ...more]) {
    const mirror = await mirrorIn(file)
    if (mirror) return mirror
  }
  throw new Error(
    `no Debian ${SUITE} mirror in ${APT}/sources.list or ${APT}/sources.list.d: add one, the stand-in images are made from it`,
  )
}

/** Unpacks a small Debian 12 with these packages into an empty folder. */
export const debootstrap = async (dir: string, packages: string[]) => {
  await run('debootstrap', ['--variant=minbase', `--include=${packages.join(',')}`, SUITE, dir, await findMirror()])
}
