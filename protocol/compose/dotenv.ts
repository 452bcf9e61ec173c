// Files of variables in docker's dialect of dotenv: comments, `export`, quotes, escapes, and variables of earlier lines.
import { fillTemplate, Unfillable } from './template.js'

export interface DotenvOptions {
  /** What wins over earlier lines in `${…}`, and what a name without a value is passed through from. */
  lookup(name: string): string | undefined
  /** Told of a variable that is not set and has no default. */
  unset(name: string, line: number): void
  /** False if so many more characters are too many. */
  take(characters: number): boolean
}

export interface DotenvFault {
  readonly line: number
  readonly message: string
  readonly code: Unfillable['code']
}

export type Dotenv = { readonly values: ReadonlyMap<string, string> } | { readonly fault: DotenvFault }

export function parseDotenv(text: string, options: DotenvOptions): Dotenv {
  return new Reader(text, options).read()
}

/** Docker's own format: everything after `=` is the value, as it is. */
export function parseRawVariables(text: string, { lookup }: Pick<DotenvOptions, 'lookup'>): Dotenv {
  const values = new Map<string, string>()
  for (const [n, full] of text.split('\n').entries()) {
    const line = full.replace(/\r$/, '').trimStart()
    if (line === '' || line.startsWith('#')) continue
    const at = line.indexOf('=')
    const name = at < 0 ? line.trimEnd() : line.slice(0, at)
    if (name === '' || /\s/.test(name))
      return { fault: { line: n + 1, message: 'a name has no spaces and is not empty', code: 'compose.variable' } }
    const value = at < 0 ? lookup(name) : line.slice(at + 1)
    if (value !== undefined) values.set(name, value)
  }
  return { values }
}

/** Letters and digits of any script, and what else docker takes in names. */
const nameCharacter = /[\p{L}\p{N}_.\-[\]]/u
/** Escapes in double quotes; any other backslash stays. */
const escapes = /\\(?:([abfnrtv\\"$])|0([0-7]{1,3}))/g
const escaped: Readonly<Record<string, string>> = { a: '\x07', b: '\b', f: '\f', n: '\n', r: '\r', t: '\t', v: '\v' }

class Reader {
  readonly #values = new Map<string, string>()
  #at = 0
  /** Lines are counted when one is asked for, from where they were counted last. */
  #counted = { at: 0, line: 1 }

  constructor(
    private readonly text: string,
    private readonly options: DotenvOptions,
  ) {}

  read(): Dotenv {
    try {
      while (this.skipToName()) this.readStatement()
      return { values: this.#values }
    } catch (error) {
      if (!(error instanceof Unfillable)) throw error
      return { fault: { line: this.line(), message: error.message, code: error.code } }
    }
  }

  /** Past empty lines and comments. False at the end. */
  private skipToName(): boolean {
    for (;;) {
      this.skip(/\s+/y)
      if (this.text[this.#at] !== '#') return this.#at < this.text.length
      this.skip(/[^\n]+/y)
    }
  }

  private readStatement(): void {
    this.skip(/export[^\S\n]+/y)
    const name = this.readName()
    const isPassed = this.#at >= this.text.length || this.text[this.#at] === '\n'
    const value = isPassed ? this.options.lookup(name) : this.readValue()
    if (value !== undefined) this.#values.set(name, value)
  }

  /** Up to `=`, `:` or the end of the line. */
  private readName(): string {
    const end = /[=:\n]/g
    end.lastIndex = this.#at
    const name = this.text.slice(this.#at, end.exec(this.text)?.index ?? this.text.length).trimEnd()
    const wrong = [...name.slice(0, 200)].find(char => !nameCharacter.test(char))
    if (name === '' || name.length > 200 || wrong !== undefined)
      throw new Unfillable(
        name === '' ? 'there is no name before the value' : `${JSON.stringify(wrong ?? name.slice(0, 40))} cannot be in a name`,
      )
    this.#at += name.length
    this.skip(/[^\S\n]+/y)
    return name
  }

  private readValue(): string {
    this.#at++
    this.skip(/[^\S\n]+/y)
    const quote = this.text[this.#at]
    if (quote === "'") return this.readQuoted(quote)
    if (quote === '"') return this.fill(readEscapes(this.readQuoted(quote)))
    const [value = ''] = this.take(/[^\n]*/y).split(' #', 1)
    return this.fill(value.trimEnd())
  }

  /** Up to the same quote again, over several lines if need be; a backslash before the quote makes it a part of the text. */
  private readQuoted(quote: string): string {
    const parts: string[] = []
    const { length } = this.text
    for (let at = this.#at + 1; at < length; at++) {
      const char = this.text.charAt(at)
      if (char === quote) {
        this.#at = at + 1
        return parts.join('')
      }
      const next = this.text.charAt(at + 1)
      if (char !== '\\' || at + 1 >= length) parts.push(char)
      else {
        parts.push(next === quote ? next : char + next)
        at++
      }
    }
    throw new Unfillable(`a quote ${quote} is not closed`)
  }

  private fill(value: string): string {
    const { lookup, unset, take } = this.options
    return fillTemplate(value, {
      valueOf: name => lookup(name) ?? this.#values.get(name),
      unset: name => unset(name, this.line()),
      take,
      isLenient: true,
      isSecret: true,
    })
  }

  private skip(pattern: RegExp): void {
    this.take(pattern)
  }

  private take(pattern: RegExp): string {
    pattern.lastIndex = this.#at
    const found = pattern.exec(this.text)?.[0] ?? ''
    this.#at += found.length
    return found
  }

  private line(): number {
    let { at, line } = this.#counted
    for (; at < this.#at; at++) if (this.text[at] === '\n') line++
    this.#counted = { at, line }
    return line
  }
}

/** An escaped dollar sign becomes a doubled one: no variable begins there. */
function readEscapes(text: string): string {
  return text.replace(escapes, (all, char: string | undefined, octal: string | undefined) => {
    if (octal !== undefined) return Number.parseInt(octal, 8) > 255 ? all : String.fromCharCode(Number.parseInt(octal, 8))
    if (char === '$') return '$$'
    return escaped[char ?? ''] ?? char ?? all
  })
}
