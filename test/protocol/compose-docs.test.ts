// docs/compose.md lists the attributes of a service as the table in the code has them.
import { readFileSync } from 'node:fs'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { serviceFields } from '../../protocol/compose/service.js'

const test = suite('docs/compose.md')
const text = readFileSync('docs/compose.md', 'utf8')

/** The names in the paragraph after the line that begins like this. */
function listAfter(heading: string): string[] {
  const paragraph = text.split('\n\n')[text.split('\n\n').findIndex(each => each.startsWith(heading)) + 1] ?? ''
  return [...paragraph.matchAll(/`([a-z_]+)`/g)].map(([, name = '']) => name)
}

test('each attribute of a service is listed by what happens to it', () => {
  const table: [string, readonly string[]][] = [
    ['Taken:', Object.keys(serviceFields.read)],
    ['Ignored, with a warning', Object.keys(serviceFields.ignored ?? {})],
    ['Refused by name', Object.keys(serviceFields.unsupported ?? {})],
  ]
  for (const [heading, names] of table) assert.equal(listAfter(heading), [...names].sort(), heading)
})

test.run()
