// Which files of a build context stay behind: the rules of a .dockerignore file.

import { literal, many, manyInSegment, matches, oneInSegment, type Token } from './wildcard.js'

interface Rule {
  readonly tokens: readonly Token[]
  readonly isException: boolean
}

/** True for paths, relative with `/`, that the rules keep out; the last rule that matches decides. */
export function readIgnoreRules(text: string): (path: string) => boolean {
  const rules = text
    .replace(/^\uFEFF/, '')
    .split('\n')
    .filter(line => !line.startsWith('#'))
    .flatMap(line => readRule(line.trim()))
  return path => rules.reduce((ignored, { tokens, isException }) => (fits(tokens, path) ? !isException : ignored), false)
}

function readRule(line: string): Rule[] {
  const isException = line.startsWith('!')
  const path = clean(isException ? line.slice(1).trim() : line)
  return path === '' ? [] : [{ isException, tokens: translate(path) }]
}

/** What is below a folder that fits, fits too. */
function fits(tokens: readonly Token[], path: string): boolean {
  return matches(tokens, path, next => next === '/')
}

/** Without `.`, `..` and slashes at either end. */
function clean(path: string): string {
  const segments: string[] = []
  for (const segment of path.split('/')) {
    if (segment === '..') segments.pop()
    else if (segment !== '' && segment !== '.') segments.push(segment)
  }
  return segments.join('/')
}

/** `*` and `?` stay within a folder, `**` does not. */
function translate(glob: string): Token[] {
  const parts = glob.match(/\*\*\/|\*\*|\*|\?|\[[^\]]*\]|\\.|[^*?[\\]+|[[\\]/gs) ?? []
  return parts.flatMap((part): Token[] => {
    if (part === '**/') return [{ kind: 'maybe', length: 2 }, many, ...literal('/')]
    if (part === '**') return [many]
    if (part === '*') return [manyInSegment]
    if (part === '?') return [oneInSegment]
    if (part.length > 2 && part.startsWith('[')) return [{ kind: 'one', takes: classOf(part.slice(1, -1)) }]
    return literal(part.length === 2 && part.startsWith('\\') ? part.slice(1) : part)
  })
}

/** Characters and ranges of them; all others with `!` or `^` before them. */
function classOf(text: string): (character: string) => boolean {
  const isNegated = /^[!^]/.test(text)
  const ranges = [...(isNegated ? text.slice(1) : text).matchAll(/(.)-(.)|(.)/gsu)]
  const has = (character: string) =>
    ranges.some(([, from, to, one]) => (one === undefined ? (from ?? '') <= character && character <= (to ?? '') : one === character))
  return character => has(character) !== isNegated
}
