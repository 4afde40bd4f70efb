/**
 * Parts of a whole as one line of letters between bars, each as wide as its share; a part that is there has at least one letter, and
 * what is over after rounding is taken from the widest. Letters and no colours, so that a pipe shows the same.
 */
export const stackedBar = (
  parts: readonly (readonly [letter: string, name: string, amount: number, ...rest: unknown[]])[],
  whole: number,
  width: number,
): string => {
  const room = Math.max(20, Math.min(width, 100) - 2)
  const shown = parts.filter(([, , amount]) => amount > 0)
  const total = Math.max(
    whole,
    shown.reduce((sum, [, , amount]) => sum + amount, 0),
  )
  const fitted = cellsOf(
    shown.map(([, , amount]) => amount),
    total,
    room,
  )
  return `|${shown.map(([letter], at) => letter.repeat(fitted[at] ?? 0)).join('')}|`
}

/** Cells of `room` for each amount by its share of `total`: at least one each, the rest of rounding in the widest. */
export const cellsOf = (amounts: readonly number[], total: number, room: number): readonly number[] => {
  const cells = amounts.map((amount) => Math.max(1, Math.round((amount / total) * room)))
  const widest = cells.indexOf(Math.max(...cells))
  const over = cells.reduce((sum, cell) => sum + cell, 0) - room
  return cells.map((cell, at) => (at === widest ? Math.max(1, cell - over) : cell))
}
