/** Edit distance (Levenshtein) of two short names. */
export const distance = (a: string, b: string): number => {
  let previous = Array.from({ length: b.length + 1 }, (_, j) => j)
  for (let i = 1; i <= a.length; i++) {
    const row = [i]
    for (let j = 1; j <= b.length; j++) {
      const change = a[i - 1] === b[j - 1] ? 0 : 1
      row[j] = Math.min((previous[j] ?? 0) + 1, (row[j - 1] ?? 0) + 1, (previous[j - 1] ?? 0) + change)
    }
    previous = row
  }
  return previous[b.length] ?? 0
}

/** The candidate closest to `name`, when it is close enough to be a slip: at most a third of the longer name differs, and at most 4 letters. */
export const nearest = (name: string, candidates: Iterable<string>): string | undefined => {
  let best: { candidate: string; cost: number } | undefined
  for (const candidate of candidates) {
    const cost = distance(name.toUpperCase(), candidate.toUpperCase())
    const limit = Math.min(4, Math.floor(Math.max(name.length, candidate.length) / 3))
    if (cost <= limit && (best === undefined || cost < best.cost)) best = { candidate, cost }
  }
  return best?.candidate
}
