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

/** `47.1 (44.9..60.2)`: the median and the extremes, with so many digits behind the point. */
export const spread = (values: readonly number[], digits = 1): string => {
  const [middle, least, most] = [median(values), Math.min(...values), Math.max(...values)].map((value) => value.toFixed(digits))
  return `${middle} (${least}..${most})`
}
