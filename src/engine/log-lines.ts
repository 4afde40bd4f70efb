/** One line of an engine's log, taken apart. */
export type LogLine = {
  /** `EngineCore 12`: the process that wrote it, where vLLM puts its name before the line. */
  readonly process: string
  /** Of a log record; raw output (tracebacks, drivers, compilers, argparse) has none. */
  readonly level?: string
  /** `registry.py:1041`: the call that made the record; every line of a record of several lines carries it. */
  readonly source?: string
  readonly text: string
}

/** vLLM's prefix, then its record (vllm/logger.py, 0.23 to 0.32), uvicorn's record, or glog's as torch's C++ parts write it. */
const writerName = /^\((?<name>[A-Za-z][\w-]*) pid=(?<pid>\d+)\) /
const records = [
  /^(?<level>DEBUG|INFO|WARNING|ERROR|CRITICAL) \d\d-\d\d \d\d:\d\d:\d\d \[(?<source>[^\]]*)\] ?(?<text>.*)$/s,
  /^(?<level>DEBUG|INFO|WARNING|ERROR|CRITICAL): {2,}(?<text>.*)$/s,
  /^(?:\[rank\d+\]:)?\[(?<level>[IWEF])\d{4} [^\]]*\] ?(?<text>.*)$/s,
]
// biome-ignore lint/suspicious/noControlCharactersInRegex: ANSI colours are control characters
const colours = /\u001b\[[\d;]*m/g

/** Takes a line apart: who wrote it, as what, and what it says without colours. */
export const readLine = (line: string): LogLine => {
  const plain = line.replace(colours, '')
  const { name, pid } = writerName.exec(plain)?.groups ?? {}
  const rest = name === undefined ? plain : plain.replace(writerName, '')
  const record = records.map((pattern) => pattern.exec(rest)?.groups).find((groups) => groups !== undefined)
  const writer = name === undefined ? '' : `${name} ${pid}`
  if (record === undefined) return { process: writer, text: rest }
  const { level = '', source = '', text = '' } = record
  return { process: writer, level, source, text }
}

/** Records of a process that is well, and the warnings of Python and of its exit. */
const healthy = /^\S+\.py:\d+: \w*Warning: |^ *warnings\.warn\(/

/** The one failure that vLLM records as a warning: the API server sees the death of its core (vllm/v1/engine/core_client.py, 0.32). */
const coreDied = /engine core exited unexpectedly/

/** Whether a line can tell nothing about a failure: a record of a lesser level, or one of Python's own warnings. */
export const isHealthy = ({ level, text }: LogLine): boolean =>
  (level !== undefined && !/^(?:ERROR|CRITICAL|[EF])$/.test(level) && !coreDied.test(text)) || healthy.test(text)
