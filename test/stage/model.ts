import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { buildModel, type ModelOptions } from '../hub/model.ts'
import { startHub, type TestHub } from '../hub/server.ts'

/** A place for one run: a folder that is removed at the end, and a hub that serves one small model. */
export type Stage = AsyncDisposable & { readonly directory: string; readonly hub: TestHub; readonly repo: string; readonly cache: string }

/** Sets a stage. `model` is a directory to serve instead of a generated model. */
export const setStage = async (options: Partial<ModelOptions> & { readonly model?: string } = {}): Promise<Stage> => {
  const directory = await mkdtemp(join(tmpdir(), 'aim-stage-'))
  const built = join(directory, 'model')
  if (options.model === undefined) await buildModel(built, { megabytes: 4, shards: 2, ...options })
  const repo = 'aim-demo/tiny-llama'
  const hub = await startHub({ repos: { [repo]: { directory: options.model ?? built } } })
  return {
    directory,
    hub,
    repo,
    cache: join(directory, 'cache'),
    [Symbol.asyncDispose]: async () => {
      await hub.close()
      await rm(directory, { recursive: true, force: true })
    },
  }
}
