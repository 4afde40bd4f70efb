import { wrap } from './wrap.ts'

/** Rows as text columns, for a person: as wide as their widest cell; no colour, so that pipes and terminals get the same. */
export const formatTable = (head: readonly string[], rows: readonly (readonly string[])[]): string => {
  const widths = head.map((title, column) => Math.max(title.length, ...rows.map((row) => (row[column] ?? '').length)))
  const line = (cells: readonly string[]): string =>
    cells
      .map((cell, column) => cell.padEnd(widths[column] ?? 0))
      .join('  ')
      .trimEnd()
  return [line(head), ...rows.map(line)].join('\n')
}

/** Names and values below each other, values aligned. */
export const formatFacts = (facts: readonly (readonly [name: string, value: string])[]): string => {
  const width = Math.max(...facts.map(([name]) => name.length))
  return facts.map(([name, value]) => `${name.padEnd(width)}  ${value}`).join('\n')
}

/** The same table where it is at most `width` wide; else each row as its first cell, and below it the others, wrapped. */
export const fitTable = (head: readonly string[], rows: readonly (readonly string[])[], width: number): string => {
  const table = formatTable(head, rows)
  if (table.split('\n').every((line) => line.length <= width)) return table
  const below = (cells: readonly string[]) =>
    cells.flatMap((cell, at) => (cell === '' ? [] : [titled(head[at + 1] ?? '', cell)])).join(', ')
  return [head[0], ...rows.flatMap(([first = '', ...others]) => [first, ...wrap(below(others), width, '      ')])].join('\n')
}

/** What a title of one word stands over speaks for itself. */
const titled = (title: string, cell: string): string => (title.includes(' ') ? `${title.toLowerCase()} ${cell}` : cell)
