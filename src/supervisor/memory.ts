/** Bytes by device; devices are named by whoever reads them. */
export type MemoryUse = Readonly<Record<string, number>>

/** Who uses how much, as far as the driver tells. The pid is the host's: inside a container it names none of our own processes. */
export type Holder = { readonly pid: number; readonly used: MemoryUse }

/** GPU memory at one moment: in use by anybody, and by whom. */
export type MemoryReading = { readonly used: MemoryUse; readonly holders: readonly Holder[] }

/** GPU memory as the supervisor is given it; absent where the engine runs on no GPU with memory of its own. */
export type Memory = {
  /** What is in use now: asked for many times a second. A device that does not say is left out. */
  readonly used: () => Promise<MemoryUse>
  readonly holders: () => Promise<readonly Holder[]>
  /** The users that we can see ourselves, as phrases, for the report on memory that is held. */
  readonly describeUsers: (devices: readonly string[]) => Promise<readonly string[]>
  /** Devices that have less free than the engine asks for when it starts, each as a phrase; empty when it may start. */
  readonly lacking: (used: MemoryUse) => readonly string[]
  /** What a device may hold beyond the level before the spawn and still count as given back; bytes. */
  readonly tolerance: (device: string) => number
}

/** Memory that an engine had and that is not back. */
export type Held = {
  readonly device: string
  readonly bytes: number
  /** Processes that appeared while the engine ran and still hold some: what is left of it, or a neighbour that came meanwhile. */
  readonly holders: readonly { readonly pid: number; readonly bytes: number }[]
}

/** The readings that tell what is left of an engine: before its spawn, at its end, and now. */
export type Span = { readonly before: MemoryReading; readonly atEnd: MemoryReading; readonly now: MemoryReading }

/**
 * What did not come back: the level now above that before the spawn, without what others took meanwhile. Others are those that the driver
 * knew before the spawn, by how much they grew, and those that came after the engine's end, with all they have. Used memory without any
 * holder is counted as held: drivers are known to lose some that way.
 */
export const heldSince = (span: Span, tolerance: Memory['tolerance']): readonly Held[] =>
  Object.entries(span.now.used).flatMap(([device, used]) => {
    const level = span.before.used[device]
    const bytes = level === undefined ? 0 : used - level - takenByOthers(span, device)
    return bytes <= tolerance(device) ? [] : [{ device, bytes, holders: suspects(span, device) }]
  })

const pidsOf = ({ holders }: MemoryReading): ReadonlySet<number> => new Set(holders.map(({ pid }) => pid))

const suspects = ({ before, atEnd, now }: Span, device: string): Held['holders'] => {
  const cameMeanwhile = pidsOf(atEnd).difference(pidsOf(before))
  return now.holders.flatMap(({ pid, used }) => {
    const bytes = used[device] ?? 0
    return cameMeanwhile.has(pid) && bytes > 0 ? [{ pid, bytes }] : []
  })
}

const takenByOthers = ({ before, atEnd, now }: Span, device: string): number => {
  const earlier = new Map(before.holders.map(({ pid, used }) => [pid, used[device] ?? 0]))
  const running = pidsOf(atEnd)
  const shares = now.holders.map(({ pid, used }) => {
    const level = earlier.get(pid)
    if (level === undefined && running.has(pid)) return 0
    return Math.max(0, (used[device] ?? 0) - (level ?? 0))
  })
  return shares.reduce((sum, share) => sum + share, 0)
}
