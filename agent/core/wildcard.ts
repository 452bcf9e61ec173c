// Patterns held against texts in time that grows with pattern times text, whatever either of them is: both may come from elsewhere.

export type Token =
  | { readonly kind: 'one'; readonly takes: (character: string) => boolean }
  /** Any number of characters, none too. */
  | { readonly kind: 'many'; readonly takes: (character: string) => boolean }
  /** The next `length` tokens may be left out. */
  | { readonly kind: 'maybe'; readonly length: number }

const anything = (): boolean => true
const inSegment = (character: string): boolean => character !== '/'

export const many: Token = { kind: 'many', takes: anything }
export const manyInSegment: Token = { kind: 'many', takes: inSegment }
export const oneInSegment: Token = { kind: 'one', takes: inSegment }

export function literal(text: string): Token[] {
  return [...text].map(character => ({ kind: 'one', takes: each => each === character }))
}

/** True if the whole text fits; `isEnough` tells whether what fits may end before a character. */
export function matches(tokens: readonly Token[], text: string, isEnough: (next: string) => boolean = () => false): boolean {
  let reached = spread([0], tokens)
  for (const character of text) {
    if (reached.has(tokens.length) && isEnough(character)) return true
    reached = spread(
      [...reached].flatMap(at => step(tokens[at], at, character)),
      tokens,
    )
    if (reached.size === 0) return false
  }
  return reached.has(tokens.length)
}

function step(token: Token | undefined, at: number, character: string): number[] {
  if (token === undefined || token.kind === 'maybe' || !token.takes(character)) return []
  return [token.kind === 'many' ? at : at + 1]
}

/** With what is reached by taking no character. */
function spread(places: readonly number[], tokens: readonly Token[]): ReadonlySet<number> {
  const all = new Set(places)
  for (const at of all) {
    const token = tokens[at]
    if (token?.kind === 'many' || token?.kind === 'maybe') all.add(at + 1)
    if (token?.kind === 'maybe') all.add(at + 1 + token.length)
  }
  return all
}
