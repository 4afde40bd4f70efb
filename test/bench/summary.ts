/** The middle value, or the mean of the two middle ones; NaN of nothing. */
export const median = (values: readonly number[]): number => {
  const sorted = values.toSorted((a, b) => a - b)
  const middle = sorted.length >> 1
  return sorted.length % 2 === 1
    ? (sorted[middle] ?? Number.NaN)
    : ((sorted[middle - 1] ?? Number.NaN) + (sorted[middle] ?? Number.NaN)) / 2
}

/** The median of the ratios of each value to its partner of the same round: what slows a whole round down cancels out. */
export const ratio = (values: readonly number[], partners: readonly number[]): number =>
  median(values.map((value, round) => value / (partners[round] ?? Number.NaN)))

/** `47.1 (44.9..60.2)`: the median and the extremes. */
export const spread = (values: readonly number[]): string =>
  `${median(values).toFixed(1)} (${Math.min(...values).toFixed(1)}..${Math.max(...values).toFixed(1)})`
