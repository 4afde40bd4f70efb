/** Looks for stop strings in text that comes bit by bit. */
export type StopFilter = {
  /** Takes a bit, gives what may be sent, and the stop string once it has come; `last` lets go of what was held back. */
  readonly push: (bit: string, last: boolean) => { readonly text: string; readonly stop?: string }
}

const earliest = (text: string, stops: readonly string[]): { readonly stop: string; readonly at: number } | undefined =>
  stops
    .map((stop) => ({ stop, at: text.indexOf(stop) }))
    .filter(({ at }) => at !== -1)
    .sort((a, b) => a.at - b.at)[0]

/** A filter for one answer. Text that may be the beginning of a stop string is held back, as vLLM does. */
export const createStopFilter = (stops: readonly string[]): StopFilter => {
  const longest = Math.max(0, ...stops.map((stop) => stop.length - 1))
  let held = ''
  return {
    push: (bit, last) => {
      held += bit
      const found = earliest(held, stops)
      if (found !== undefined) return { text: held.slice(0, found.at), stop: found.stop }
      const end = last ? held.length : Math.max(0, held.length - longest)
      const text = held.slice(0, end)
      held = held.slice(end)
      return { text }
    },
  }
}
