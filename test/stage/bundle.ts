import { execFileSync } from 'node:child_process'
import { chmodSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

/** Names the entry of the bundle that a suite's tests run. Not AIM_*, which `aim` would read. */
export const bundleVariable = 'TEST_BUNDLE_OF_AIM'

/**
 * A bundle of the sources as they are now, and a place for compiled code: hundreds of short runs of `aim` each cost a fifth of what
 * they cost from the sources. Gone when the block ends.
 */
export const bundle = (): Disposable & { readonly environment: Readonly<Record<string, string>> } => {
  const directory = mkdtempSync(join(tmpdir(), 'aim-bundle-'))
  // For tests that run it as another user.
  chmodSync(directory, 0o755)
  execFileSync(process.execPath, [join(import.meta.dirname, '../../docker/build.ts'), join(directory, 'dist')], { stdio: 'inherit' })
  return {
    environment: { [bundleVariable]: join(directory, 'dist/aim.js'), NODE_COMPILE_CACHE: join(directory, 'compiled') },
    [Symbol.dispose]: () => rmSync(directory, { recursive: true, force: true }),
  }
}
