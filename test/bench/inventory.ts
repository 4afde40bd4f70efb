/** What the inventory of 64 GPUs costs, beside a bare program that reads the same files and makes nothing of them. CPU time, in this process. */
import { accessSync, constants, mkdtempSync, readdirSync, readFileSync, rmSync, statfsSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { formatTable } from '../../src/cli/table.ts'
import { detect } from '../../src/hardware/detect.ts'
import type { FileSystem } from '../../src/hardware/file-system.ts'
import { readLinks } from '../../src/hardware/links.ts'
import { machineFileSystem } from '../../src/hardware/machine.ts'
import { mi300x, mi300xCpx } from '../fixtures/hardware/machines.ts'
import { type Tree, writeTree } from '../fixtures/hardware/tree.ts'
import { ratio, spread } from './summary.ts'

const rounds = 40

type Calls = Record<keyof FileSystem, string[]>

/** What was asked of a file system, by kind of call. */
const callsOf = (fs: FileSystem): Calls => {
  const calls: Calls = { readText: [], list: [], access: [], readLink: [], owner: [], space: [] }
  const noted = Object.fromEntries(
    Object.entries(fs).map(([kind, ask]) => [
      kind,
      (path: string) => {
        calls[kind as keyof FileSystem].push(path)
        return ask(path)
      },
    ]),
  ) as FileSystem
  detect(noted, {})
  return calls
}

const attempt = (call: () => unknown): void => {
  try {
    call()
  } catch {
    // A file that is not there costs a bare program as much.
  }
}

const bareReads = (root: string, { readText, list, access, space }: Calls): void => {
  const place = (path: string): string => (/^\/proc|^\/sys\/fs/.test(path) ? path : join(root, path))
  for (const path of readText) attempt(() => readFileSync(place(path), 'utf8'))
  for (const path of list) attempt(() => readdirSync(place(path)))
  for (const path of access) attempt(() => accessSync(place(path), constants.R_OK | constants.W_OK))
  for (const path of space) attempt(() => statfsSync(path))
}

const cpuMs = (run: () => unknown): number => {
  const begin = process.cpuUsage()
  run()
  const { user, system } = process.cpuUsage(begin)
  return (user + system) / 1000
}

const measure = (name: string, tree: Tree, directory: string): readonly string[][] => {
  const root = join(directory, name.replaceAll(' ', '-'))
  writeTree(tree, root)
  const fs = machineFileSystem(root)
  const calls = callsOf(fs)
  const { gpus } = detect(fs, {})
  const rows = { bare: [] as number[], detect: [] as number[], links: [] as number[] }
  for (let round = 0; round < rounds; round++) {
    rows.bare.push(cpuMs(() => bareReads(root, calls)))
    rows.detect.push(cpuMs(() => detect(fs, {})))
    rows.links.push(cpuMs(() => readLinks(fs, gpus)))
  }
  const count = Object.values(calls).flat().length
  return [
    [`${name}: the same ${count} calls, bare`, spread(rows.bare), ''],
    [`${name}: detect(), ${gpus.length} GPUs`, spread(rows.detect), `${ratio(rows.detect, rows.bare).toFixed(2)}x bare`],
    [`${name}: its links, which a start does not read`, spread(rows.links), `${ratio(rows.links, rows.bare).toFixed(2)}x bare`],
  ]
}

/** Every GPU joined to every other, and to a CPU. */
const linked = (tree: Tree, count: number): Tree => {
  const nodes = Array.from({ length: count }, (_, at) => at + 2)
  const link = (from: number, at: number, to: number) => [
    `/sys/class/kfd/kfd/topology/nodes/${from}/io_links/${at}/properties`,
    `type ${to < 2 ? 2 : 11}\nversion_major 0\nnode_from ${from}\nnode_to ${to}\nweight 15\nmin_bandwidth 0\nmax_bandwidth 0\nflags 1\n`,
  ]
  const files = nodes.flatMap((from) => [link(from, 0, 0), ...nodes.filter((to) => to !== from).map((to, at) => link(from, at + 1, to))])
  return { ...tree, files: { ...tree.files, ...Object.fromEntries(files) } }
}

const directory = mkdtempSync(join(tmpdir(), 'aim-bench-'))
try {
  process.stdout.write(`Node ${process.version}; ${rounds} rounds, one of each row in turn; CPU time, ms\n\n`)
  const rows = [...measure('8 MI300X', linked(mi300x(8), 8), directory), ...measure('8 MI300X in CPX', linked(mi300xCpx(8), 64), directory)]
  process.stdout.write(`${formatTable(['inventory', 'median (min..max)', 'ratio'], rows)}\n`)
} finally {
  rmSync(directory, { recursive: true, force: true })
}
