// docs/compose.md lists the attributes of a service as the table in the code has them.
import { readFileSync } from 'node:fs'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { serviceFields } from '../../protocol/compose/service.js'

const test = suite('docs/compose.md')
const text = readFileSync('docs/compose.md', 'utf8')

/** The block after the line that begins like this. */
function blockAfter(heading: string): string {
  const blocks = text.split('\n\n')
  return blocks[blocks.findIndex(each => each.startsWith(heading)) + 1] ?? ''
}

test('each attribute of a service that is taken is listed', () => {
  const listed = [...blockAfter('Taken').matchAll(/`([a-z_]+)`/g)].map(([, name = '']) => name)
  assert.equal(listed, Object.keys(serviceFields.read).sort())
})

for (const [heading, names] of [['Ignored', serviceFields.ignored ?? {}] as const, ['Refused', serviceFields.unsupported ?? {}] as const])
  test(`${heading.toLowerCase()} attributes of a service are listed with the reason`, () => {
    const rows = [...blockAfter(heading).matchAll(/^\| `([a-z_]+)` \| (.*) \|$/gm)].map(([, name = '', why = '']) => [name, why] as const)
    assert.equal(rows, Object.entries(names))
  })

test.run()
