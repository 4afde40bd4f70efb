/** Measures pulls from a host that is 20 ms away: `unshare -n node pull-far.ts PULLS` prints rows of a table as JSON. */
import { startFarHost } from './far-host.ts'
import { measurePulls, type Pulls, startNginx } from './pull-measure.ts'

const roundTripMs = 20
/** Any is free in a network namespace of our own. */
const port = 8080

const pulls = JSON.parse(process.argv[2] ?? '') as Pulls
const host = await startFarHost(roundTripMs)
try {
  const stop = await startNginx(pulls, port, host.enter)
  try {
    process.stdout.write(JSON.stringify(await measurePulls(pulls, `http://${host.address}:${port}`)))
  } finally {
    await stop()
  }
} finally {
  host.close()
}
