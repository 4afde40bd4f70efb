/** From a launch to a program to spawn, and from an exit to what it means. */

import { resolve } from 'node:path'
import type { Environment } from '../config/parse.ts'
import type { EngineAdapter, ExitMeaning } from '../engine/adapter.ts'
import { engineEnvironment } from '../engine/environment.ts'
import type { Launch } from '../plan/launch.ts'
import type { Exit } from '../supervisor/exit.ts'
import type { Program } from '../supervisor/program.ts'
import { readAccount } from './account.ts'

/** Everything secret or local that the engine's environment gets beside the plan's. `caches`: where the engine compiles to. */
export type Extras = { readonly hubCache: string; readonly engineApiKey?: string; readonly caches?: Readonly<Record<string, string>> }

/** The launch as a program to spawn. `scratch` is its working directory and the place of its temporary files. */
export const programOf = (launch: Launch, parent: Environment, extras: Extras, scratch: string): Program => {
  const [file = '', ...words] = launch.engine.argv
  // The engine runs elsewhere, so a path that was meant from here is made absolute.
  return {
    file: file.includes('/') ? resolve(file) : file,
    arguments: words,
    directory: scratch,
    environment: { ...environmentOf(launch, parent, extras), TMPDIR: scratch },
  }
}

/** The engine's whole environment. */
export const environmentOf = (launch: Launch, parent: Environment, { hubCache, engineApiKey, caches }: Extras): Program['environment'] =>
  engineEnvironment(parent, readAccount(parent.HOME), {
    HF_HUB_CACHE: hubCache,
    ...caches,
    ...launch.engine.env,
    ...(engineApiKey === undefined ? {} : { VLLM_API_KEY: engineApiKey }),
  })

/** What an exit means to this engine's adapter; `oomKills` are those that the kernel counted while it ran. */
export const meaningOf = (
  adapter: EngineAdapter,
  exit: Exit,
  lines: readonly string[],
  served: boolean,
  oomKills: number | undefined,
): ExitMeaning => {
  const ended = exit.kind === 'code' ? { code: exit.code, signal: null } : { code: null, signal: exit.signal }
  return adapter.explainExit(oomKills === undefined ? ended : { ...ended, oomKills }, lines, served)
}
