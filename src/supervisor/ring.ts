/** The last lines of an engine: bounded, so that a flood costs nothing but what it pushed out. */
export type Ring = { readonly push: (line: string) => void; readonly lines: () => readonly string[] }

/** A ring of at most `size` lines. */
export const createRing = (size: number): Ring => {
  const kept: string[] = new Array<string>(size)
  let count = 0
  return {
    push: (line) => {
      kept[count % size] = line
      count++
    },
    lines: () => (count <= size ? kept.slice(0, count) : [...kept.slice(count % size), ...kept.slice(0, count % size)]),
  }
}
