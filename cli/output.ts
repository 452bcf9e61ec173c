// One answer in the form that `-o` asks for.
import type { Shell } from './shell.js'
import { type Column, formatTable } from './table.js'

export const formats = ['table', 'wide', 'json', 'yaml', 'name'] as const
export type Format = (typeof formats)[number]

export interface Listing<T> {
  readonly items: readonly T[]
  readonly columns: readonly Column<T>[]
  /** What other commands take as this item's name. */
  readonly nameOf: (item: T) => string
  /** Said on standard error when there is nothing to show. */
  readonly empty: string
}

/** A list: JSON and YAML as the API gives it, `{ items: […] }`. */
export async function printList<T>(shell: Shell, format: Format, listing: Listing<T>): Promise<void> {
  const { items, columns } = listing
  if (format === 'name') {
    for (const item of items) shell.print(listing.nameOf(item))
  } else if (format === 'json' || format === 'yaml') {
    await printData(shell, format, { items })
  } else if (items.length === 0) {
    shell.say(listing.empty)
  } else {
    shell.print(formatTable(columns, items, { wide: format === 'wide', paint: shell.paint }))
  }
}

export async function printData(shell: Shell, format: 'json' | 'yaml', value: unknown): Promise<void> {
  if (format === 'json') return shell.print(formatJson(value, 2))
  const { stringify } = await import('yaml')
  shell.print(stringify(value, { lineWidth: 0 }).trimEnd())
}

/** JSON in which nothing is left that a terminal would act upon: JSON itself escapes only some of it. */
export function formatJson(value: unknown, indent?: number): string {
  const text = JSON.stringify(value, null, indent)
  return text.replace(/[\u007f-\u009f\p{Bidi_Control}\u2028\u2029]/gu, each => `\\u${each.charCodeAt(0).toString(16).padStart(4, '0')}`)
}

/** One answer after a change: a sentence for people, or the data, or its name. */
export async function printResult(shell: Shell, format: Format, result: { value: unknown; name: string; sentence: string }): Promise<void> {
  if (format === 'json' || format === 'yaml') await printData(shell, format, result.value)
  else if (format === 'name') shell.print(result.name)
  else shell.print(result.sentence)
}
