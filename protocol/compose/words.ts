// A command line to words as a POSIX shell splits it: quotes and backslashes count, nothing is expanded.

/** Undefined if a quote is not closed. */
export function splitWords(line: string): readonly string[] | undefined {
  const words: string[] = []
  let word: string | undefined
  let at = 0
  while (at < line.length) {
    const char = line.charAt(at)
    if (/\s/.test(char)) {
      if (word !== undefined) words.push(word)
      word = undefined
      at++
      continue
    }
    const part = readPart(line, at)
    if (part === undefined) return undefined
    word = (word ?? '') + part.text
    at = part.end
  }
  if (word !== undefined) words.push(word)
  return words
}

interface Part {
  readonly text: string
  readonly end: number
}

function readPart(line: string, at: number): Part | undefined {
  const char = line.charAt(at)
  if (char === "'") return readSingleQuoted(line, at + 1)
  if (char === '"') return readDoubleQuoted(line, at + 1)
  if (char !== '\\') return { text: char, end: at + 1 }
  return at + 1 < line.length ? { text: line.charAt(at + 1), end: at + 2 } : undefined
}

function readSingleQuoted(line: string, start: number): Part | undefined {
  const end = line.indexOf("'", start)
  return end < 0 ? undefined : { text: line.slice(start, end), end: end + 1 }
}

/** Inside double quotes a backslash counts only before what is special there. */
function readDoubleQuoted(line: string, start: number): Part | undefined {
  const parts: string[] = []
  for (let at = start; at < line.length; at++) {
    const char = line.charAt(at)
    if (char === '"') return { text: parts.join(''), end: at + 1 }
    if (char === '\\' && '"\\$`\n'.includes(line.charAt(at + 1) || ' ')) at++
    parts.push(line.charAt(at))
  }
  return undefined
}
