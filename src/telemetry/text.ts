/** One JSON log line as text for a person: `aim 20:45:01 info  message  key=value`. */
export const formatLine = (line: string): string => {
  const { level, time, msg, ...facts } = JSON.parse(line) as Readonly<Record<string, unknown>>
  const clock = String(time).slice(11, 19)
  const rest = Object.entries(facts).map(([key, value]) => ` ${key}=${show(value)}`)
  return `aim ${clock} ${String(level).padEnd(7)} ${String(msg)}${rest.join('')}\n`
}

const show = (value: unknown): string => {
  if (typeof value === 'string') return /^[^\s"]+$/.test(value) ? value : JSON.stringify(value)
  return typeof value === 'object' ? JSON.stringify(value) : String(value)
}
