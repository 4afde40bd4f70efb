import { readdirSync, readFileSync } from 'node:fs'

/** One process as /proc/PID/stat shows it. `name` is cut to 15 bytes by the kernel. */
export type Process = {
  readonly pid: number
  readonly name: string
  readonly state: string
  readonly parent: number
  readonly group: number
  readonly session: number
}

const readProcess = (pid: number): readonly Process[] => {
  try {
    const text = readFileSync(`/proc/${pid}/stat`, 'utf8')
    // The name stands in parentheses and may hold spaces and parentheses itself.
    const end = text.lastIndexOf(')')
    const [state = '', parent, group, session] = text.slice(end + 2).split(' ')
    const name = text.slice(text.indexOf('(') + 1, end)
    return [{ pid, name, state, parent: Number(parent), group: Number(group), session: Number(session) }]
  } catch {
    return []
  }
}

const descendants = (all: readonly Process[], root: number): ReadonlySet<number> => {
  const found = new Set([root])
  // Children may be listed before their parents: as many rounds as generations.
  for (let before = 0; before !== found.size; ) {
    before = found.size
    for (const { pid, parent } of all) if (found.has(parent)) found.add(pid)
  }
  return found
}

/** Everything that belongs to a process started in its own session: its descendants, its group and its session. Zombies are left out. */
export const treeOf = (root: number): readonly Process[] => {
  const pids = readdirSync('/proc').filter((name) => /^\d+$/.test(name))
  const all = pids.flatMap((name) => readProcess(Number(name)))
  const below = descendants(all, root)
  return all.filter((entry) => entry.state !== 'Z' && (below.has(entry.pid) || entry.group === root || entry.session === root))
}
