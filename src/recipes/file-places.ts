/** Where a part of a YAML file stands, and how it is named. */
import { type Document, isMap, isScalar, type Node } from 'yaml'

/** Keys and positions from the top of a document to a part of it. */
export type Path = readonly PropertyKey[]

/** `profiles[0].arguments.dtype`. */
export const keyText = (path: Path): string =>
  path.reduce<string>(
    (text, part) => (typeof part === 'number' ? `${text}[${part}]` : text === '' ? String(part) : `${text}.${String(part)}`),
    '',
  )

/** Where a value starts; what is missing is reported at what should hold it. */
export const offsetOf = (document: Document, path: Path): number => {
  const node = document.getIn(path, true) as Node | undefined
  return node?.range?.[0] ?? (path.length === 0 ? 0 : offsetOf(document, path.slice(0, -1)))
}

/** Where a key starts. */
export const keyOffset = (document: Document, path: Path): number => {
  const holder = path.length === 1 ? document.contents : document.getIn(path.slice(0, -1), true)
  const pair = isMap(holder) ? holder.items.find(({ key }) => isScalar(key) && key.value === path.at(-1)) : undefined
  return isScalar(pair?.key) ? (pair.key.range?.[0] ?? 0) : offsetOf(document, path)
}
