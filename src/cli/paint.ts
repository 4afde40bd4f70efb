/** Colours of a terminal (ECMA-48, select graphic rendition). */
const codes = { bold: 1, dim: 90, red: 31, green: 32, yellow: 33, blue: 34, magenta: 35 } as const

/** Puts a text into a colour, or leaves it alone where none are wanted. */
export type Paint = (colour: keyof typeof codes, text: string) => string

/** A painter; `wanted` is whether the reader is a terminal whose user did not say no. */
export const painter =
  (wanted: boolean): Paint =>
  (colour, text) =>
    wanted && text !== '' ? `\x1b[${codes[colour]}m${text}\x1b[0m` : text
