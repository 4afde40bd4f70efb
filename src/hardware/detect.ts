/** Detection: what this machine is, from its own files alone. */
import { checkAccess } from './access.ts'
import { decorate } from './drm.ts'
import type { FileSystem } from './file-system.ts'
import { dtypesOf } from './gfx.ts'
import { readHost } from './host.ts'
import type { Blocked, HiddenGpu, Inventory } from './inventory.ts'
import { readTopology } from './kfd.ts'
import type { KfdGpu } from './kfd-node.ts'
import { applyMasks } from './masks.ts'
import { applyOverride } from './override.ts'

/**
 * The inventory of the machine behind `fs`, as the engine will see it: KFD's GPUs, less those that this container was not given,
 * less those that the environment masks. Synchronous, ten small calls per GPU, opens no device. Never throws on what it
 * reads: garbage becomes an oddity, a GPU that cannot be read is hidden with the reason.
 */
export const detect = (fs: FileSystem, environment: Readonly<Record<string, string | undefined>>): Inventory => {
  const { driver, gpus, hidden, oddities } = readTopology(fs)
  const { host, oddities: hostOddities } = readHost(fs)
  const seen = see(fs, gpus, hidden, environment)
  return {
    gpus: seen.gpus,
    hidden: [...hidden, ...seen.hidden].sort((a, b) => a.node - b.node),
    driver,
    ...(seen.blocked !== undefined && { blocked: seen.blocked }),
    host,
    oddities: [...oddities, ...sharedMinors(gpus), ...seen.oddities, ...hostOddities],
  }
}

/** Whether only amd-smi could say something: the topology is missing (a container without /sys), and /dev/kfd is there for us. */
export const needsFallback = (fs: FileSystem, { driver }: Inventory): boolean => !driver && fs.access('/dev/kfd').ok

/**
 * The inventory with GPUs that were found some other way than by the topology, in the order given; `oddity` says how. The masks hold for
 * them as for others; whether each can be opened is not known.
 */
export const withGpus = (
  inventory: Inventory,
  gpus: readonly KfdGpu[],
  environment: Readonly<Record<string, string | undefined>>,
  oddity: string,
): Inventory => {
  const masked = applyMasks(
    gpus.map((gpu, index) => ({ index, ...gpu, ...withDtypes(gpu) })),
    environment,
  )
  return { ...inventory, ...masked, oddities: [...inventory.oddities, oddity, ...masked.oddities] }
}

type Seen = Pick<Inventory, 'gpus' | 'hidden' | 'oddities'> & { readonly blocked?: Blocked }

// In the order that the engine meets them: permissions, ROCr's override, the masks.
const see = (
  fs: FileSystem,
  gpus: readonly KfdGpu[],
  kept: readonly HiddenGpu[],
  environment: Readonly<Record<string, string | undefined>>,
): Seen => {
  const access = checkAccess(fs, gpus, kept)
  const decorated = decorate(fs, access.usable)
  const override = applyOverride(decorated.gpus, environment)
  const blocked = access.blocked ?? override.blocked
  if (blocked !== undefined) return { gpus: [], hidden: [...access.hidden, ...hide(access.usable, blocked)], oddities: [], blocked }
  const masked = applyMasks(
    override.gpus.map((gpu, index) => ({ index, ...gpu, ...withDtypes(gpu) })),
    environment,
  )
  return {
    ...masked,
    hidden: [...access.hidden, ...masked.hidden],
    oddities: [...decorated.oddities, ...override.oddities, ...masked.oddities],
  }
}

const withDtypes = ({ gfx }: KfdGpu) => {
  const dtypes = dtypesOf(gfx)
  return dtypes === undefined ? {} : { dtypes }
}

const hide = (gpus: readonly KfdGpu[], { reason }: Blocked): HiddenGpu[] => gpus.map(({ node }) => ({ node, reason }))

const sharedMinors = (gpus: readonly KfdGpu[]): string[] => {
  const nodes = Map.groupBy(gpus, ({ renderMinor }) => renderMinor)
  return [...nodes].flatMap(([minor, group]) =>
    minor !== undefined && group.length > 1 ? [`KFD nodes ${group.map(({ node }) => node).join(' and ')} both name renderD${minor}`] : [],
  )
}
