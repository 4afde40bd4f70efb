/** What to spawn: nothing about it is engine-specific. The environment is the whole of it; nothing is inherited. */
export type Program = {
  readonly file: string
  readonly arguments: readonly string[]
  readonly environment: Readonly<Record<string, string>>
  readonly directory: string
}
