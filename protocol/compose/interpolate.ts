// Variables in values: $V ${V} ${V:-word} ${V-word} ${V:?word} ${V?word} ${V:+word} ${V+word}, nested, and $$ for a dollar.
import { type Item, isList, isMap, quote, type Report } from './item.js'

const maxNesting = 32
/** Characters of all values of a file after variables are filled in. */
const maxFilledChars = 4 * 1024 * 1024

/** Fills in the variables of every value of a file, in place; keys and the file's own extensions stay as they are. */
export function interpolate(root: Item, report: Report): void {
  const scope = { report, unset: new Set<string>(), chars: 0 }
  if (!isMap(root.value)) return
  for (const [key, section] of root.value) if (!key.startsWith('x-')) fill(section, scope)
}

interface Scope {
  readonly report: Report
  /** Variables already warned of. */
  readonly unset: Set<string>
  chars: number
}

function fill(item: Item, scope: Scope): void {
  const { value } = item
  if (isMap(value)) for (const entry of value.values()) fill(entry, scope)
  else if (isList(value)) for (const entry of value) fill(entry, scope)
  else if (typeof value === 'string' && value.includes('$')) item.value = new Template(value, item, scope).fill()
}

/** Thrown inside this file only: the template can't be filled, for the reason given. */
class Unfillable extends Error {
  constructor(
    message: string,
    readonly code: 'compose.variable' | 'compose.too-complex' = 'compose.variable',
  ) {
    super(message)
  }
}

/** One value's text, read from left to right once. Words of branches that are not taken are read, but not looked up. */
class Template {
  #at = 0

  constructor(
    private readonly text: string,
    private readonly item: Item,
    private readonly scope: Scope,
  ) {}

  fill(): string {
    try {
      return this.read(0, true)
    } catch (error) {
      if (!(error instanceof Unfillable)) throw error
      this.scope.report.refuse(this.item, error.code, error.message)
      return ''
    }
  }

  /** Up to the end, or inside a variable up to its closing brace. */
  private read(nesting: number, used: boolean): string {
    const parts: string[] = []
    while (this.#at < this.text.length && !(nesting > 0 && this.text[this.#at] === '}')) {
      const part = this.text[this.#at] === '$' ? this.readDollar(nesting, used) : this.readPlain(nesting)
      if (used) parts.push(part)
      if (used && nesting === 0) this.count(part)
    }
    return parts.join('')
  }

  private readPlain(nesting: number): string {
    const end = nesting > 0 ? /[$}]/g : /\$/g
    end.lastIndex = this.#at
    const start = this.#at
    this.#at = end.exec(this.text)?.index ?? this.text.length
    return this.text.slice(start, this.#at)
  }

  private readDollar(nesting: number, used: boolean): string {
    this.#at++
    const next = this.text[this.#at]
    if (next === '$') {
      this.#at++
      return '$'
    }
    if (next === '{') return this.readBraced(nesting + 1, used)
    const name = this.readName()
    return used ? (this.valueOf(name) ?? this.warnUnset(name)) : ''
  }

  private readBraced(nesting: number, used: boolean): string {
    if (nesting > maxNesting) throw new Unfillable(`variables are nested more than ${maxNesting} deep`, 'compose.too-complex')
    this.#at++
    const name = this.readName()
    const operator = this.take(/:?[-?+]/y)
    const value = used ? this.valueOf(name) : undefined
    const isPresent = value !== undefined && !(operator.startsWith(':') && value === '')
    const takesWord = operator.endsWith('+') ? isPresent : operator !== '' && !isPresent
    const word = operator === '' ? '' : this.read(nesting, used && takesWord)
    if (this.text[this.#at] !== '}') throw this.malformed()
    this.#at++
    if (!used) return ''
    if (takesWord && operator.endsWith('?'))
      throw new Unfillable(`the variable ${name} is required${word === '' ? '' : `: ${word.slice(0, 200)}`}`)
    if (takesWord || operator.endsWith('+')) return word
    return value ?? this.warnUnset(name)
  }

  private readName(): string {
    const name = this.take(/[a-z_][a-z0-9_]*/iy)
    if (name === '') throw this.malformed()
    return name
  }

  private take(pattern: RegExp): string {
    pattern.lastIndex = this.#at
    const found = pattern.exec(this.text)?.[0] ?? ''
    this.#at += found.length
    return found
  }

  private valueOf(name: string): string | undefined {
    return this.scope.report.variable(name)
  }

  private warnUnset(name: string): string {
    if (!this.scope.unset.has(name))
      this.scope.report.warn(this.item, 'compose.variable', `the variable ${name} is not set; it is taken as empty`)
    this.scope.unset.add(name)
    return ''
  }

  private count(part: string): void {
    this.scope.chars += part.length
    if (this.scope.chars > maxFilledChars)
      throw new Unfillable(`values with variables come to more than ${maxFilledChars} characters`, 'compose.too-complex')
  }

  private malformed(): Unfillable {
    return new Unfillable(`${quote(this.text)} is no valid use of a variable at character ${this.#at + 1}; write $$ for a dollar sign`)
  }
}
