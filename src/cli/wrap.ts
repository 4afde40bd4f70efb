/** Text broken at spaces into lines of at most `width` characters, each after `indent`; a longer word stays whole, so that it can be copied. */
export const wrap = (text: string, width: number, indent = ''): readonly string[] => {
  const lines: string[] = []
  let line = ''
  for (const word of text.split(' ')) {
    const longer = line === '' ? word : `${line} ${word}`
    if (line !== '' && indent.length + longer.length > width) {
      lines.push(indent + line)
      line = word
    } else line = longer
  }
  return [...lines, indent + line]
}

/** The same for one item of a list: `- ` before its first line. */
export const wrapItem = (text: string, width: number): readonly string[] =>
  wrap(text, width, '    ').map((line, at) => (at === 0 ? `  - ${line.slice(4)}` : line))
