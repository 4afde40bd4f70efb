/** Edge: the flags of the engine in this image. */
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Options } from '../config/variables.ts'
import type { FlagSchema } from '../engine/flags.ts'
import type { FlagRules } from '../plan/check-arguments.ts'
import { exitCodes } from '../std/exit-codes.ts'
import { Failure } from '../std/failure.ts'
import { isRecord, parseJson } from '../std/json.ts'

/** What the engine said when the image was built, else what vLLM 0.32 says: beside the bundle, then in the sources. */
const places = ['flags/vllm.json', 'flags/vllm-0.32.0.json', '../engine/flags/vllm-0.32.0.json'].map((name) =>
  join(import.meta.dirname, name),
)

/** What arguments are held against in this place: the file that AIM_ENGINE_FLAGS names, else this installation's. A file that is none is a Failure (78). */
export const flagRules = ({ engineFlags, strict }: Options): FlagRules => ({
  schema: readFlags(engineFlags),
  strict,
  directory: process.cwd(),
})

const readFlags = (named: string | undefined): FlagSchema => {
  const path = named ?? places.find((place) => existsSync(place)) ?? 'flags/vllm.json'
  const content = parseJson(read(path))
  if (isRecord(content) && typeof content.version === 'string' && isRecord(content.flags)) return content as FlagSchema
  throw new Failure(`cannot read the engine's flags from ${path}`, {
    exitCode: exitCodes.config,
    fix: 'write the file with engine-flags.py, run by the Python of the engine, or unset AIM_ENGINE_FLAGS',
  })
}

const read = (path: string): string => {
  try {
    return readFileSync(path, 'utf8')
  } catch {
    return ''
  }
}
