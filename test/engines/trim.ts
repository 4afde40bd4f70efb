/** Longest line kept, in characters: vLLM prints whole configurations and lists of every model it knows. A healthy record is told by less. */
const lineLength = 700
const healthyLength = 200

/** The marks below a traceback's source lines. */
const isMark = (line: string): boolean => /^\s*[\^~]+\s*$/.test(line)

const message = (line: string): string =>
  line.replace(/^\([A-Za-z][\w-]* pid=\d+\) /, '').replace(/^[A-Z]+ \d\d-\d\d \d\d:\d\d:\d\d \[[^\]]*\] ?/, '')

const cut = (line: string, length: number): string => (line.length > length ? `${line.slice(0, length)}...` : line)

/** A captured log without what belongs to the machine it was made on and without the marks in tracebacks. */
export const trimLog = (text: string, places: Readonly<Record<string, string>>): string => {
  const clean = Object.entries(places).reduce((cleaned, [place, name]) => cleaned.replaceAll(place, name), text)
  return clean
    .split(/[\r\n]+/)
    .filter((line) => !isMark(message(line)))
    .map((line) => cut(line, / (?:INFO|WARNING) \d\d-/.test(line) ? healthyLength : lineLength))
    .join('\n')
}
