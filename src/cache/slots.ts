/** So many at a time, and the number may change meanwhile. */
export type Slots = {
  /** Resolves when there is room; every `take` needs its `give`. Rejects when the signal aborts first. */
  readonly take: (signal: AbortSignal) => Promise<void>
  readonly give: () => void
  readonly resize: (limit: number) => void
  /** Whether somebody has to wait, so that all the room is used. */
  readonly full: () => boolean
}

/** Makes room for `limit`; first come, first served. */
export const createSlots = (limit: number): Slots => {
  const waiting = new Set<() => void>()
  const room = { limit, taken: 0 }
  const admit = (): void => {
    for (const enter of waiting) {
      if (room.taken >= room.limit) return
      waiting.delete(enter)
      room.taken++
      enter()
    }
  }
  return {
    take: (signal) =>
      new Promise((resolve, reject) => {
        if (signal.aborted) return reject(signal.reason)
        const leave = (): void => {
          if (waiting.delete(enter)) reject(signal.reason)
        }
        const enter = (): void => {
          signal.removeEventListener('abort', leave)
          resolve()
        }
        signal.addEventListener('abort', leave, { once: true })
        waiting.add(enter)
        admit()
      }),
    give: () => {
      room.taken--
      admit()
    },
    resize: (next) => {
      room.limit = next
      admit()
    },
    full: () => waiting.size > 0 && room.taken >= room.limit,
  }
}
