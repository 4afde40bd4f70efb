const units = ['B', 'KiB', 'MiB', 'GiB', 'TiB', 'PiB'] as const

/** Bytes in the largest binary unit that keeps the number at or above one: `1.5 GiB`. */
export const formatBytes = (bytes: number): string => {
  const power = bytes < 1 ? 0 : Math.min(units.length - 1, Math.floor(Math.log2(bytes) / 10))
  const amount = bytes / 1024 ** power
  return `${power === 0 ? amount : amount.toFixed(amount < 10 ? 1 : 0)} ${units[power]}`
}

/** Gibibytes to bytes. */
export const gib = (amount: number): number => amount * 1024 ** 3

/** Mebibytes to bytes. */
export const mib = (amount: number): number => amount * 1024 ** 2

/** Bytes of `500GiB`, `1.5TB`, `200M`, `1024`: decimal units by their name, all others binary; undefined when it is none. */
export const parseBytes = (text: string): number | undefined => {
  const match = /^(\d+(?:\.\d+)?)\s*(?:([KMGTP])(i?B?)|B)?$/i.exec(text.trim())
  if (match === null) return undefined
  const power = ' KMGTP'.indexOf((match[2] ?? ' ').toUpperCase())
  return Math.round(Number(match[1]) * (/^b$/i.test(match[3] ?? '') ? 1000 : 1024) ** power)
}
