import type { HubOptions } from '../hub/exchange.ts'
import type { RepositorySpec } from '../hub/repository.ts'
import type { TestHub } from '../hub/server.ts'
import type { Scene } from './scene.ts'

type Environment = Readonly<Record<string, string>>

/** One fault, and everything that must be seen of it from outside. */
export type Row = {
  /** A claim: the fault and what comes of it. */
  readonly fault: string
  readonly environment?: Environment | ((hub: TestHub) => Environment)
  /** Words for `docker run`. */
  readonly words?: readonly string[]
  /** Whoever should read its output has stopped to. */
  readonly unread?: true
  /** A directory below the stage that the model comes from; `tiny` when left out. Not used by a row with a hub. */
  readonly model?: string
  /** The model comes from a hub of this row's own, which behaves so. */
  readonly hub?: Partial<HubOptions> & { readonly repository?: Partial<RepositorySpec> }
  /** What is done to it; without it nothing is, and it ends by itself. */
  readonly act?: (scene: Scene) => Promise<void>
  /**
   * The distinct answers of the three probes one after the other: `loading` (503 200 503), `ready` (200 200 200), `down` (200 200 503),
   * `stalled` (200 503 503). One in parentheses may be over before anybody saw it.
   */
  readonly probes: string
  /** Exit code of the container. */
  readonly exit: number
  /** How often the engine was started again; 0 when left out. */
  readonly restarts?: number
  /** The cause's label, as the log has it. */
  readonly cause?: string
  /** In the termination message, which must be there after every end that is not a success. */
  readonly says?: RegExp
  /** In `/status` as the reason at any time, or in the log. */
  readonly told?: RegExp
  /** PID 1 was killed from outside: it says nothing, and what it had no time for may be left. */
  readonly killed?: true
}
