/** Edge: once a second, the number of connections follows what the last second brought. */
import { adapt, startPace } from './pace.ts'
import type { Slots } from './slots.ts'

/** `bytes` counts what came over the network so far. `throttled` is to be called when a server asks for less; `stop` ends it. */
export const regulate = (slots: Slots, bytes: () => number): { readonly throttled: () => void; readonly stop: () => void } => {
  let pace = startPace
  let before = bytes()
  let beforeMs = performance.now()
  let throttled = false
  const timer = setInterval(() => {
    const now = performance.now()
    const total = bytes()
    pace = adapt(pace, { rate: ((total - before) * 1000) / (now - beforeMs), throttled, busy: slots.full() })
    slots.resize(pace.limit)
    before = total
    beforeMs = now
    throttled = false
  }, 1000)
  slots.resize(pace.limit)
  return {
    throttled: () => {
      throttled = true
    },
    stop: () => clearInterval(timer),
  }
}
