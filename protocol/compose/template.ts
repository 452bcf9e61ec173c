// A text with variables: $V ${V} ${V:-word} ${V-word} ${V:?word} ${V?word} ${V:+word} ${V+word}, nested, and $$ for a dollar.
import { quote } from './item.js'

const maxNesting = 32

export interface TemplateScope {
  valueOf(name: string): string | undefined
  /** Told of a variable that is not set and has no default; it is taken as empty. */
  unset(name: string): void
  /** False if so many more characters are too many. */
  take(characters: number): boolean
  /** A dollar sign that begins no variable stays one. */
  readonly isLenient?: boolean
  /** The text may be a secret, so no message shows it. */
  readonly isSecret?: boolean
}

/** The template can't be filled in, for the reason given. */
export class Unfillable extends Error {
  constructor(
    message: string,
    readonly code: 'compose.variable' | 'compose.too-complex' = 'compose.variable',
  ) {
    super(message)
  }
}

/** Throws {@link Unfillable}. */
export function fillTemplate(text: string, scope: TemplateScope): string {
  return text.includes('$') ? new Template(text, scope).fill() : text
}

/** One text, read from left to right once. Words of branches that are not taken are read, but not looked up. */
class Template {
  #at = 0
  #ends: ReadonlyMap<number, number> | undefined

  constructor(
    private readonly text: string,
    private readonly scope: TemplateScope,
  ) {}

  fill(): string {
    return this.read(this.text.length, 0, true)
  }

  private read(end: number, nesting: number, used: boolean): string {
    const parts: string[] = []
    while (this.#at < end) {
      const part = this.text[this.#at] === '$' ? this.readDollar(end, nesting, used) : this.readPlain(end)
      if (used) parts.push(part)
      if (used && nesting === 0 && !this.scope.take(part.length))
        throw new Unfillable('values with variables come to too many characters', 'compose.too-complex')
    }
    return parts.join('')
  }

  private readPlain(end: number): string {
    const start = this.#at
    const dollar = this.text.indexOf('$', start)
    this.#at = dollar < 0 || dollar > end ? end : dollar
    return this.text.slice(start, this.#at)
  }

  private readDollar(end: number, nesting: number, used: boolean): string {
    const next = this.text[++this.#at]
    if (next === '$' && this.#at < end) {
      this.#at++
      return '$'
    }
    if (next === '{' && this.#at < end) return this.readBraced(end, nesting + 1, used)
    const name = this.readName()
    if (name === '' && this.scope.isLenient) return '$'
    if (name === '') throw this.malformed()
    return used ? (this.scope.valueOf(name) ?? this.empty(name)) : ''
  }

  private readBraced(end: number, nesting: number, used: boolean): string {
    if (nesting > maxNesting) throw new Unfillable(`variables are nested more than ${maxNesting} deep`, 'compose.too-complex')
    const close = this.closeOf(this.#at, end)
    this.#at++
    const name = this.readName()
    const operator = this.take(/:?[-?+]/y)
    const value = used ? this.scope.valueOf(name) : undefined
    const isPresent = value !== undefined && !(operator.startsWith(':') && value === '')
    const takesWord = operator.endsWith('+') ? isPresent : operator !== '' && !isPresent
    const word = operator === '' ? '' : this.read(close, nesting, used && takesWord)
    if (this.#at !== close || name === '') throw this.malformed()
    this.#at++
    if (!used) return ''
    if (takesWord && operator.endsWith('?'))
      throw new Unfillable(`the variable ${name} is required${word === '' ? '' : `: ${word.slice(0, 200)}`}`)
    return takesWord || operator.endsWith('+') ? word : (value ?? this.empty(name))
  }

  /** Where the brace at `open` is closed: braces count in pairs, and if they don't come in pairs the last one counts. */
  private closeOf(open: number, end: number): number {
    this.#ends ??= pairBraces(this.text)
    const paired = this.#ends.get(open)
    const close = paired !== undefined && paired < end ? paired : this.text.lastIndexOf('}', end - 1)
    if (close < open) throw this.malformed()
    return close
  }

  private readName(): string {
    return this.take(/[a-z_][a-z0-9_]*/iy)
  }

  private take(pattern: RegExp): string {
    pattern.lastIndex = this.#at
    const found = pattern.exec(this.text)?.[0] ?? ''
    this.#at += found.length
    return found
  }

  private empty(name: string): string {
    this.scope.unset(name)
    return ''
  }

  private malformed(): Unfillable {
    const shown = this.scope.isSecret ? 'the value' : quote(this.text)
    return new Unfillable(`${shown} has no valid use of a variable at character ${this.#at + 1}; write $$ for a dollar sign`)
  }
}

function pairBraces(text: string): ReadonlyMap<number, number> {
  const open: number[] = []
  const ends = new Map<number, number>()
  for (const { 0: brace, index } of text.matchAll(/[{}]/g)) {
    if (brace === '{') open.push(index)
    else {
      const start = open.pop()
      if (start !== undefined) ends.set(start, index)
    }
  }
  return ends
}
