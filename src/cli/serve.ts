/** `aim serve`. */
import { serve } from '../serve/serve.ts'
import { type Flags, overlay } from './options.ts'

/** Serves until the end; resolves with the exit code. */
export const serveCommand = (model: string | undefined, extra: readonly string[], flags: Flags): Promise<number> =>
  serve(overlay(model, flags, extra))
