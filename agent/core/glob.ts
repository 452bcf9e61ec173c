// Patterns that an owner writes: names and paths with stars.
import { anyCharacter, fitsPieces, leftOut, literal, notSlash, type Piece } from './wildcards.js'

const slash: Piece = { fits: character => character === '/' }
const anything: Piece = { fits: anyCharacter, repeats: true }

/** `*` stands for any characters. */
export function matchesText(pattern: string, text: string): boolean {
  return fitsPieces(starred(pattern, anything), text)
}

/** `*` stands for characters of one segment, `**` for any number of segments, none too. */
export function matchesPath(pattern: string, path: string): boolean {
  const [, ...segments] = pattern.split('/')
  return fitsPieces(segments.flatMap(piecesOf), path)
}

function piecesOf(segment: string): Piece[] {
  if (segment === '**') return [...leftOut(2), slash, anything]
  return [slash, ...starred(segment, { fits: notSlash, repeats: true })]
}

function starred(text: string, star: Piece): Piece[] {
  return text.split('*').flatMap((part, n) => [...(n === 0 ? [] : [star]), ...literal(part)])
}
