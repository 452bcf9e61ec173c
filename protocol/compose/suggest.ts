// Did you mean: the known word that a mistyped one is nearest to.

const maxDistance = 2

/** The nearest of `words` within an edit distance of 2, and nearer than a rewrite. */
export function suggest(typed: string, words: readonly string[]): string | undefined {
  if (typed.length > 40) return undefined
  let best: string | undefined
  let least = Math.min(maxDistance, typed.length - 1) + 1
  for (const word of words) {
    const distance = Math.abs(word.length - typed.length) < least ? editDistance(typed, word) : least
    if (distance < least) [best, least] = [word, distance]
  }
  return best
}

/** Levenshtein's. */
function editDistance(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, n) => n)
  for (let i = 1; i <= a.length; i++) {
    const next = [i]
    for (let j = 1; j <= b.length; j++) {
      const replaced = (row[j - 1] ?? 0) + (a[i - 1] === b[j - 1] ? 0 : 1)
      next.push(Math.min(replaced, (row[j] ?? 0) + 1, (next[j - 1] ?? 0) + 1))
    }
    row = next
  }
  return row[b.length] ?? 0
}
