/** Optional keys may be given as undefined; required ones may not. */
type Loose<T> = { [K in keyof T]: Record<never, never> extends Pick<T, K> ? T[K] | undefined : T[K] }

/** A copy without the keys whose value is undefined: unknown is absent, in JSON as in TypeScript. */
export const defined = <T extends object>(value: Loose<T>): T => {
  const copy: Record<string, unknown> = {}
  for (const key of Object.keys(value)) {
    const part = value[key as keyof typeof value]
    if (part !== undefined) copy[key] = part
  }
  return copy as T
}
