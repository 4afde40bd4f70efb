/** Bytes from `start` up to, not including, `end`. */
export type Span = readonly [start: number, end: number]

/** Adds a span to a list; the result is in order and has neither overlaps nor neighbours that touch. */
export const addSpan = (spans: readonly Span[], [start, end]: Span): readonly Span[] => {
  if (start >= end) return spans
  const apart = spans.filter(([from, to]) => to < start || from > end)
  const touching = spans.filter(([from, to]) => to >= start && from <= end)
  const merged: Span = [Math.min(start, ...touching.map(([from]) => from)), Math.max(end, ...touching.map(([, to]) => to))]
  return [...apart, merged].sort(([a], [b]) => a - b)
}

/** Bytes that a list covers. */
export const spanBytes = (spans: readonly Span[]): number => spans.reduce((bytes, [start, end]) => bytes + end - start, 0)

/** Where the bytes that are there from the beginning on end: so far a checksum can be taken in order. */
export const frontierOf = (spans: readonly Span[]): number => (spans[0]?.[0] === 0 ? spans[0][1] : 0)

/** The first bytes below `size` that no list covers, at most `limit` of them; undefined when nothing is left. */
export const nextGap = (size: number, limit: number, ...lists: readonly (readonly Span[])[]): Span | undefined => {
  const taken = lists.flat().toSorted(([a], [b]) => a - b)
  let start = 0
  for (const [from, to] of taken) {
    if (from > start) return [start, Math.min(from, start + limit)]
    start = Math.max(start, to)
  }
  return start < size ? [start, Math.min(size, start + limit)] : undefined
}
