/** Removes what an earlier supervisor could not, because it was killed. */
import { formatBytes } from '../std/bytes.ts'
import { sweepLedgers } from '../supervisor/ledger.ts'
import type { Log } from '../telemetry/log.ts'
import { sweepScratches } from './scratch.ts'

/**
 * Removes what is left here of engines that were killed together with their supervisors, and says what it was. Shared memory is free when this
 * returns, since the next engine needs it; directories later. Never rejects.
 */
export const removeRemains = async (log: Log): Promise<void> => {
  const bytes = sweepLedgers()
  const directories = await sweepScratches()
  if (bytes === 0 && directories === 0) return
  log.write('info', 'removed what was left of an engine that was killed together with its supervisor', {
    sharedMemory: formatBytes(bytes),
    temporaryDirectories: directories,
  })
}
