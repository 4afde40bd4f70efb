import type { Launch } from '../plan/launch.ts'
import { repositoryOf } from '../recipes/hard-tests.ts'
import type { FoundModel } from '../serve/model.ts'

/** A launch whose command can be run as it stands: where the weights are not in the cache it names the repository, and the engine may fetch it. */
export const runnable = (launch: Launch, found: FoundModel | undefined): Launch => {
  if (found !== undefined && found.listing === undefined) return launch
  const { engine, model, profile } = launch
  const { HF_HUB_OFFLINE: _, ...env } = engine.env
  const argv = engine.argv.map((word) => (word === model.path ? repositoryOf(profile, model.id) : word))
  return { ...launch, engine: { ...engine, argv, env } }
}
