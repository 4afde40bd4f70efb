/** Whether `0.18.1rc2.dev4` comes before `0.19.1`; a text without a version is no older. */
export const isOlder = (version: string, than: string): boolean => {
  const [own, other] = [version, than].map((text) => /\d+(?:\.\d+)*/.exec(text)?.[0].split('.').map(Number))
  const at = other?.findIndex((part, index) => part !== (own?.[index] ?? 0)) ?? -1
  return own !== undefined && at !== -1 && (own[at] ?? 0) < (other?.[at] ?? 0)
}
