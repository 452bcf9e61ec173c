// Where the parser's events stand in a file's text.
import { EVENT_ID, type Event } from 'js-yaml'

/** Line numbers, counted from 1, of offsets that mostly grow. */
export class Lines {
  readonly #starts: number[] = [0]
  #line = 0

  constructor(text: string) {
    for (let at = text.indexOf('\n'); at >= 0; at = text.indexOf('\n', at + 1)) this.#starts.push(at + 1)
  }

  at(offset: number): number {
    while ((this.#starts[this.#line] ?? 0) > offset) this.#line--
    while ((this.#starts[this.#line + 1] ?? Number.POSITIVE_INFINITY) <= offset) this.#line++
    return this.#line + 1
  }
}

/** Where a node starts in the text; -1 for one that is not written out. */
export function startOf(event: Event): number {
  if (event.type === EVENT_ID.SCALAR) return event.valueStart
  if (event.type === EVENT_ID.ALIAS) return event.anchorStart
  return event.type === EVENT_ID.MAPPING || event.type === EVENT_ID.SEQUENCE ? event.start : -1
}
