/** Works through items, `width` at a time. The first failure stops the others, which have cleaned up when this throws it. */
export const inParallel = async <T>(
  items: readonly T[],
  width: number,
  signal: AbortSignal | undefined,
  work: (item: T, signal: AbortSignal) => Promise<void>,
): Promise<void> => {
  const stop = new AbortController()
  const either = signal === undefined ? stop.signal : AbortSignal.any([signal, stop.signal])
  const queue = items.values()
  const failures: unknown[] = []
  const lane = async (): Promise<void> => {
    try {
      for (const item of queue) if (!either.aborted) await work(item, either)
    } catch (error) {
      failures.push(error)
      stop.abort()
    }
  }
  await Promise.all(Array.from({ length: width }, lane))
  if (failures.length > 0) throw failures[0]
}
