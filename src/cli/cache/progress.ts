/** Edge: how far it is, on stderr: a bar on a terminal, a line every few seconds otherwise. */
import { bar, describeReadings, keepReadings, type Reading } from '../../std/meter.ts'

const terminalMs = 200
const lineMs = 5000

/** Shows each call's numbers under a name; `end` finishes the bar's line. */
export const showProgress = (name: string): { readonly show: (done: number, total: number) => void; readonly end: () => void } => {
  const { stderr } = process
  let readings: readonly Reading[] = []
  let shownMs = Number.NEGATIVE_INFINITY
  return {
    show: (done, total) => {
      const ms = performance.now()
      readings = keepReadings(readings, { ms, done, total })
      if (ms - shownMs < (stderr.isTTY ? terminalMs : lineMs) && done < total) return
      shownMs = ms
      const text = describeReadings(readings)
      stderr.write(stderr.isTTY ? `\r\x1b[K${name} ${bar(done, total, 24)} ${text}` : `${name}: ${text}\n`)
    },
    end: () => void (stderr.isTTY && readings.length > 0 && stderr.write('\n')),
  }
}
