/** Edge: how far it is, on stderr: a bar on a terminal, a line every few seconds otherwise. */
import { bar, describeReadings, keepReadings, type Reading } from '../../std/meter.ts'

const terminalMs = 200
const lineMs = 5000

/** Shows each call's numbers under a name; `end` finishes the bar's line. */
export const showProgress = (name: string): { readonly show: (done: number, total: number) => void; readonly end: () => void } => {
  const { stderr } = process
  let readings: readonly Reading[] = []
  let shownMs = Number.NEGATIVE_INFINITY
  let ended = false
  return {
    show: (done, total) => {
      const ms = performance.now()
      readings = keepReadings(readings, { ms, done, total })
      // What is complete is told once, whenever it is; messages about the last blob go on for a moment.
      if (done < total ? ms - shownMs < (stderr.isTTY ? terminalMs : lineMs) : ended) return
      shownMs = ms
      ended = done >= total
      const text = describeReadings(readings)
      stderr.write(stderr.isTTY ? `\r\x1b[K${name} ${bar(done, total, 24)} ${text}` : `${name}: ${text}\n`)
    },
    end: () => void (stderr.isTTY && readings.length > 0 && stderr.write('\n')),
  }
}
