// Whether a text fits a pattern, in time that grows with pattern times text whatever the pattern: a regular expression with a
// few stars can keep a device busy for ever.

/** A step of a pattern. */
export interface Piece {
  readonly fits: (character: string) => boolean
  /** Any number of such characters, none too. */
  readonly repeats?: boolean
  /** Whoever comes here may go on so many pieces further. */
  readonly jump?: number
}

export const anyCharacter = (): boolean => true
export const notSlash = (character: string): boolean => character !== '/'

export function literal(text: string): Piece[] {
  return [...text].map(wanted => ({ fits: character => character === wanted }))
}

/** The next `count` pieces may be left out, all of them or none. */
export function leftOut(count: number): Piece[] {
  return [{ fits: () => false, repeats: true, jump: count + 1 }]
}

/** `below`: what is below a path that fits does too. */
export function fitsPieces(pieces: readonly Piece[], text: string, { below = false } = {}): boolean {
  const end = pieces.length
  let reached = new Uint8Array(end + 1)
  reached[0] = 1
  leaveOut(pieces, reached)
  for (const character of text) {
    if (below && character === '/' && reached[end] === 1) return true
    const next = new Uint8Array(end + 1)
    if (!step(pieces, character, reached, next)) return false
    leaveOut(pieces, next)
    reached = next
  }
  return reached[end] === 1
}

/** False if the character leads nowhere. */
function step(pieces: readonly Piece[], character: string, reached: Uint8Array, next: Uint8Array): boolean {
  let leads = false
  for (const [at, piece] of pieces.entries()) {
    if (reached[at] !== 1 || !piece.fits(character)) continue
    next[piece.repeats ? at : at + 1] = 1
    leads = true
  }
  return leads
}

function leaveOut(pieces: readonly Piece[], reached: Uint8Array): void {
  for (const [at, { repeats, jump = 0 }] of pieces.entries()) {
    if (reached[at] !== 1) continue
    if (repeats) reached[at + 1] = 1
    reached[at + jump] = 1
  }
}
