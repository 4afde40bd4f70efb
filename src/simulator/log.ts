/** Severity as vLLM writes it. */
export type Level = 'INFO' | 'WARNING' | 'ERROR'

/** One process's way to speak: records to standard output in vLLM's grammar, anything else to standard error as it is. */
export type Log = {
  /** `source` is `file.py:line`; a text of several lines repeats the head on each. */
  readonly record: (level: Level, source: string, text: string) => void
  readonly raw: (text: string) => void
  /** A line of uvicorn's access log, which goes to standard output without a head. */
  readonly access: (line: string) => void
}

/** A moment as vLLM stamps it: `MM-DD HH:MM:SS`, local time, no year. */
export const stamp = (at: Date): string => {
  const two = (value: number) => String(value).padStart(2, '0')
  const day = `${two(at.getMonth() + 1)}-${two(at.getDate())}`
  return `${day} ${two(at.getHours())}:${two(at.getMinutes())}:${two(at.getSeconds())}`
}

/** One record: `(APIServer pid=7) INFO 11-23 19:06:24 [file.py:1] text`, its head repeated on every line of the text. */
export const formatRecord = (speaker: string, pid: number, at: Date, level: Level, source: string, text: string): string =>
  text
    .split('\n')
    .map((line) => `(${speaker} pid=${pid}) ${level} ${stamp(at)} [${source}] ${line}\n`)
    .join('')

/** A Python traceback in short: its first line, one frame, and the line that says what went wrong. */
export const traceback = (where: string, error: string): string =>
  `Traceback (most recent call last):\n  File "simulator/${where}.py", line 1, in ${where}\n${error}`

/** The checkpoint bar: a carriage return first, as tqdm draws it. Times in seconds. */
export const shardsLine = (done: number, total: number, elapsed: number): string => {
  const percent = String(Math.floor((100 * done) / Math.max(1, total))).padStart(3)
  const clock = `00:${String(Math.floor(elapsed) % 60).padStart(2, '0')}`
  const rate = done === 0 ? '?' : (done / Math.max(elapsed, 0.001)).toFixed(2)
  return `\rLoading safetensors checkpoint shards: ${percent}% Completed | ${done}/${total} [${clock}<${done === 0 ? '?' : '00:00'}, ${rate}it/s]\n`
}

/** uvicorn's access line. */
export const accessLine = (client: string, method: string, path: string, status: number, reason: string): string =>
  `INFO:     ${client} - "${method} ${path} HTTP/1.1" ${status} ${reason}\n`

/** A value as Python prints it, for the line of non-default arguments. */
export const pythonRepr = (value: unknown): string => {
  if (value === null || value === undefined) return 'None'
  if (typeof value === 'boolean') return value ? 'True' : 'False'
  if (Array.isArray(value)) return `[${value.map(pythonRepr).join(', ')}]`
  if (typeof value === 'object')
    return `{${Object.entries(value)
      .map(([key, entry]) => `'${key}': ${pythonRepr(entry)}`)
      .join(', ')}}`
  return typeof value === 'number' ? String(value) : `'${String(value).replaceAll("'", "\\'")}'`
}
