// Which files of a build context stay behind: the rules of a .dockerignore file.
import { anyCharacter, fitsPieces, leftOut, literal, notSlash, type Piece } from './wildcards.js'

interface Rule {
  readonly pieces: readonly Piece[]
  readonly isException: boolean
}

/** True for paths, relative with `/`, that the rules keep out; the last rule that matches decides. */
export function readIgnoreRules(text: string): (path: string) => boolean {
  const rules = text
    .replace(/^\uFEFF/, '')
    .split('\n')
    .filter(line => !line.startsWith('#'))
    .flatMap(line => readRule(line.trim()))
  return path =>
    rules.reduce((ignored, { pieces, isException }) => (fitsPieces(pieces, path, { below: true }) ? !isException : ignored), false)
}

function readRule(line: string): Rule[] {
  const isException = line.startsWith('!')
  const path = clean(isException ? line.slice(1).trim() : line)
  return path === '' ? [] : [{ isException, pieces: piecesOf(path) }]
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
function piecesOf(glob: string): Piece[] {
  return (glob.match(/\*\*\/|\*\*|\*|\?|\[[^\]]*\]|\\.|[^*?[\\]+|[[\\]/gs) ?? []).flatMap(token => {
    if (token === '**/') return [...leftOut(2), { fits: anyCharacter, repeats: true }, ...literal('/')]
    if (token === '**') return [{ fits: anyCharacter, repeats: true }]
    if (token === '*') return [{ fits: notSlash, repeats: true }]
    if (token === '?') return [{ fits: notSlash }]
    if (token.length > 2 && token.startsWith('[')) return [{ fits: classOf(token.slice(1, -1)) }]
    if (token.length === 2 && token.startsWith('\\')) return literal(token.slice(1))
    return literal(token)
  })
}

/** `abc`, `a-c`, and with `!` or `^` in front what is none of these. */
function classOf(text: string): (character: string) => boolean {
  const isNegated = /^[!^]/.test(text)
  const ranges = [...(isNegated ? text.slice(1) : text).matchAll(/(.)-(.)|(.)/gsu)].map(
    ([, from, to, one = '']) => [from ?? one, to ?? one] as const,
  )
  return character => ranges.some(([from, to]) => character >= from && character <= to) !== isNegated
}
