/**
 * What has to happen before a start can succeed, in terms of the exit code: `configure` 78, `permit` 77, `change-machine` 69,
 * `mend-files` and `mend-storage` 74, of which the second may mend itself, `try-later` 75; `retry` keeps the engine's own code, since only another try can tell.
 */
export type Remedy = 'configure' | 'permit' | 'change-machine' | 'mend-files' | 'mend-storage' | 'try-later' | 'retry'

/** One known way to fail: what the log says, what it means, what to do. */
export type Cause = {
  /** Stable name, a metric label. */
  readonly cause: string
  /** Read of one complaint and the lines that belong to it; `^` is the complaint's own beginning. */
  readonly pattern: RegExp
  /** Read of the frames of the traceback that the complaint ended: tells one error of Python's own from another. */
  readonly within?: RegExp
  /** May use `$<name>` of the groups of the pattern and of `within`. */
  readonly sentence: string
  readonly fix: string
  readonly remedy: Remedy
  /** The pattern's group `fits` is the largest context in tokens that the engine says would do. */
  readonly fitsContext?: true
  /**
   * `general`: only when no rule names a root cause. `stage`: only tells which part of the engine raised an error that nothing else names.
   * `consequence`: only when nothing else is known. Default `root`.
   */
  readonly weight?: 'root' | 'general' | 'stage' | 'consequence'
  /** It can also end an engine that was serving; the others are read only of one that never became ready, whose log holds no user's text. */
  readonly whileServing?: true
}
