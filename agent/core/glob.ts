// Patterns that an owner writes: names and paths with stars.
import { literal, many, manyInSegment, matches, type Token } from './wildcard.js'

/** `*` stands for any characters. */
export function matchesText(pattern: string, text: string): boolean {
  return matches(starred(pattern, many), text)
}

/** `*` stands for characters of one segment, `**` for any number of segments, none too. */
export function matchesPath(pattern: string, path: string): boolean {
  const tokens = pattern
    .split('/')
    .slice(1)
    .flatMap((segment): Token[] => {
      const inside = [...literal('/'), ...(segment === '**' ? [many] : starred(segment, manyInSegment))]
      return segment === '**' ? [{ kind: 'maybe', length: inside.length }, ...inside] : inside
    })
  return matches(tokens, path)
}

function starred(pattern: string, star: Token): Token[] {
  return pattern.split('*').flatMap((part, n) => [...(n === 0 ? [] : [star]), ...literal(part)])
}
