/**
 * One thing wrong with the input, as data: all of them are collected and shown at once. `key` is an option key of a room
 * (`gpuCount`), which `config/` turns into a variable's name when it is shown.
 */
export type Problem = {
  readonly severity: 'problem' | 'warning'
  readonly key: string
  /** As given; already masked when it is a secret. */
  readonly value?: string
  readonly rule: string
  readonly fix?: string
}
