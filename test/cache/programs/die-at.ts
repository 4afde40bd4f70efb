import fs from 'node:fs/promises'
import { syncBuiltinESMExports } from 'node:module'

type Call = (...given: unknown[]) => unknown

const handleCalls = ['truncate', 'write', 'writeFile', 'sync', 'datasync', 'close'] as const
const fileCalls = ['open', 'mkdir', 'rename', 'link', 'symlink', 'rm', 'writeFile', 'chmod'] as const

/**
 * Counts the calls of node:fs/promises that change something and kills this process right before the one with this number; the count so far
 * is what the result gives. To be called before anything else imports node:fs/promises by name.
 */
export const dieAt = (number: number | undefined): (() => number) => {
  let count = 0
  const patch = (on: object, names: readonly string[]): void => {
    for (const name of names) {
      const call = Reflect.get(on, name) as Call
      Reflect.set(on, name, function (this: unknown, ...given: unknown[]) {
        count++
        if (count === number) process.kill(process.pid, 'SIGKILL')
        return Reflect.apply(call, this, given)
      })
    }
  }
  patch(fs, fileCalls)
  void fs.open('/dev/null').then((handle) => {
    patch(Object.getPrototypeOf(handle), handleCalls)
    return handle.close()
  })
  syncBuiltinESMExports()
  return () => count
}
