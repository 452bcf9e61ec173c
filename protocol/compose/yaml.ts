// YAML text to items, with limits on size, nesting and expansion, so that no text can exhaust the reader.
import {
  type Alias,
  Composer,
  type Document,
  isAlias,
  isMap,
  isScalar,
  isSeq,
  Lexer,
  LineCounter,
  type Node,
  type Pair,
  Parser,
  visit,
} from 'yaml'
import { maxSpecBytes } from '../messages.js'
import { type Item, mergeKey, quote, type Report, type Scalar } from './item.js'

const maxDepth = 64
/** Words and marks of the text; each costs the parser about half a kilobyte. */
const maxLexemes = 150_000
/** Nodes after anchors and merge keys are expanded. */
const maxNodes = 100_000
const maxSyntaxErrors = 5
/** Where the parser is stopped: by then there is no telling what the text should be. */
const maxErrorTokens = 20

/** Thrown inside this file only, when a limit is reached. */
class TooComplex extends Error {}

/** The file's top level. Undefined if the report says why not. */
export function loadYaml(text: string, report: Report): Item | undefined {
  const size = Buffer.byteLength(text)
  if (size > maxSpecBytes)
    return report.refuseAt(undefined, 'spec.too-large', `${size} bytes are more than the ${maxSpecBytes} that a compose file may have`)
  const lines = new LineCounter()
  try {
    const document = composeDocument(text, lines, report)
    return document && new Expansion(document, lines, report).root()
  } catch (error) {
    if (error instanceof TooComplex) return report.refuseAt(undefined, 'compose.too-complex', error.message)
    // The library throws for a few texts that it cannot parse; whatever it was, the text is to blame.
    return report.refuseAt(undefined, 'compose.yaml', error instanceof Error ? error.message : 'not YAML')
  }
}

function composeDocument(text: string, lines: LineCounter, report: Report): Document.Parsed | undefined {
  const composer = new Composer({
    version: '1.2',
    schema: 'core',
    merge: false,
    uniqueKeys: false,
    prettyErrors: false,
    lineCounter: lines,
  })
  let first: Document.Parsed | undefined
  for (const document of composer.compose(readTokens(text, lines), true, text.length)) {
    if (first !== undefined) {
      const at = position(lines, document.range[0])
      return report.refuseAt(at, 'compose.yaml', `a compose file is one YAML document; a second one starts at ${at}`)
    }
    first = document
  }
  for (const error of first?.errors.slice(0, maxSyntaxErrors) ?? []) {
    const at = position(lines, error.pos[0])
    report.refuseAt(at, 'compose.yaml', `${error.message} at ${at}`)
  }
  return report.refusals.length === 0 ? first : undefined
}

/**
 * The parser's tokens, stopped before nesting gets deep: the library's composer recurses and relies on catching the
 * overflow of the stack, which V8 answers with the end of the process if a regular expression is compiled there.
 */
function* readTokens(text: string, lines: LineCounter): ReturnType<Parser['parse']> {
  const parser = new Parser(lines.addNewLine)
  let lexemes = 0
  let errors = 0
  lines.addNewLine(0)
  for (const lexeme of new Lexer().lex(text)) {
    if (++lexemes > maxLexemes) throw new TooComplex(`the file has more than ${maxLexemes} words and marks`)
    if (parser.stack.length > maxDepth)
      throw new TooComplex(`the file is nested more than ${maxDepth} deep at ${position(lines, parser.offset)}`)
    for (const token of parser.next(lexeme)) {
      if (token.type === 'error' && ++errors > maxErrorTokens) return
      yield token
    }
  }
  yield* parser.end()
}

function position(lines: LineCounter, offset: number): string {
  const { line, col } = lines.linePos(offset)
  return `line ${line}, column ${col}`
}

/** Turns the document's nodes into items: aliases are copied, merge keys merged, keys checked. */
class Expansion {
  readonly #anchors: ReadonlyMap<Alias, Node>
  readonly #open = new Set<unknown>()
  #nodes = 0

  constructor(
    private readonly document: Document.Parsed,
    private readonly lines: LineCounter,
    private readonly report: Report,
  ) {
    this.#anchors = bindAliases(document)
  }

  root(): Item | undefined {
    const root = this.expand(this.document.contents, undefined, '', 0)
    return this.report.refusals.length === 0 ? root : undefined
  }

  private expand(node: unknown, parent: Item | undefined, key: string | number, depth: number): Item {
    const item: Item = { parent, key, line: this.lineOf(node) ?? parent?.line ?? 1, value: null }
    if (++this.#nodes > maxNodes) throw new TooComplex(`the file expands to more than ${maxNodes} nodes`)
    if (depth > maxDepth) throw new TooComplex(`the file is nested more than ${maxDepth} deep (line ${item.line})`)
    const source = isAlias(node) ? this.follow(node, item) : node
    if (this.#open.has(source)) {
      this.report.refuse(item, 'compose.yaml', 'this alias stands inside its own anchor')
      return item
    }
    this.#open.add(source)
    this.checkTag(source, item)
    if (isMap(source)) item.value = this.expandMap(source.items, item, depth)
    else if (isSeq(source)) item.value = source.items.map((entry, n) => this.expand(entry, item, n, depth + 1))
    else item.value = scalarOf(source)
    this.#open.delete(source)
    return item
  }

  private expandMap(pairs: readonly Pair[], item: Item, depth: number): ReadonlyMap<string, Item> {
    const entries = new Map<string, Item>()
    const merged: Item[] = []
    for (const { key, value } of pairs) {
      if (isMergeKey(key)) merged.push(...this.mergeSources(value, item).map(source => this.expand(source, item, mergeKey, depth + 1)))
      else this.addEntry(entries, item, key, this.expand(value, item, this.keyOf(key), depth + 1))
    }
    for (const source of merged) this.merge(source, entries)
    return entries
  }

  /** The maps that `<<` names, one or a list; those of an anchored list too. */
  private mergeSources(value: unknown, item: Item): readonly unknown[] {
    const source = isAlias(value) ? this.follow(value, item) : value
    return isSeq(source) ? source.items : [value]
  }

  private addEntry(entries: Map<string, Item>, map: Item, key: unknown, entry: Item): void {
    const name = String(entry.key)
    const line = this.lineOf(key) ?? entry.line
    const at = { ...entry, line }
    if (isMap(key) || isSeq(key)) this.report.refuse({ ...map, line }, 'compose.yaml', 'a key must be a text')
    else if (name === '__proto__') this.report.refuse(at, 'compose.schema', 'this key is not allowed')
    else if (entries.has(name)) this.report.refuse(at, 'compose.yaml', `the key ${quote(name)} is here twice`)
    else entries.set(name, entry)
  }

  /** Keys of the map itself win, then those of the sources in their order (https://yaml.org/type/merge.html). */
  private merge(source: Item, entries: Map<string, Item>): void {
    if (!(source.value instanceof Map)) this.report.refuse(source, 'compose.yaml', 'a merge key takes a map or a list of maps')
    else for (const [name, entry] of source.value) if (!entries.has(name)) entries.set(name, entry)
  }

  private follow(alias: Alias, item: Item): unknown {
    const target = this.#anchors.get(alias)
    if (target === undefined) this.report.refuse(item, 'compose.yaml', `no anchor &${alias.source.slice(0, 80)} stands before this alias`)
    return target
  }

  private checkTag(node: unknown, item: Item): void {
    const tag = isMap(node) || isSeq(node) || isScalar(node) ? node.tag : undefined
    if (tag !== undefined && !/^tag:yaml\.org,2002:(map|seq|str|int|float|bool|null)$/.test(tag))
      this.report.refuse(item, 'compose.unsupported', `the tag ${quote(tag)} is not supported`)
  }

  private keyOf(key: unknown): string {
    const source = isAlias(key) ? this.#anchors.get(key) : key
    if (!isScalar(source)) return ''
    return typeof source.value === 'string' ? source.value : (source.source ?? String(source.value))
  }

  private lineOf(node: unknown): number | undefined {
    const range = isMap(node) || isSeq(node) || isScalar(node) || isAlias(node) ? node.range : undefined
    return range ? this.lines.linePos(range[0]).line : undefined
  }
}

/** Each alias with the last anchor of its name before it. */
function bindAliases(document: Document.Parsed): ReadonlyMap<Alias, Node> {
  const anchors = new Map<string, Node>()
  const bound = new Map<Alias, Node>()
  visit(document, {
    Node(_key, node) {
      if (isAlias(node)) {
        const target = anchors.get(node.source)
        if (target !== undefined) bound.set(node, target)
      } else if ('anchor' in node && typeof node.anchor === 'string') anchors.set(node.anchor, node)
    },
  })
  return bound
}

function isMergeKey(key: unknown): boolean {
  return isScalar(key) && key.type === 'PLAIN' && key.value === mergeKey
}

/** As compose reads them: 0755 is octal, and a number too large to be exact stays the text that it is. */
function scalarOf(node: unknown): Scalar {
  if (!isScalar(node)) return null
  const { value, source } = node
  if (typeof value === 'number' && source !== undefined) {
    if (/^[-+]?0[0-7]+$/.test(source)) return Number.parseInt(source, 8)
    return Number.isFinite(value) && (Math.abs(value) <= Number.MAX_SAFE_INTEGER || !Number.isInteger(value)) ? value : source
  }
  if (typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean') return value
  return value === null ? null : (source ?? String(value))
}
