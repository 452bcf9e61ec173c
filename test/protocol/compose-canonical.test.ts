// The laws of the canonical form: written out and read again it is itself, and equal meaning gives an equal form and hash.
import fc from 'fast-check'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { hashService } from '../../protocol/compose/hash.js'
import type { Project } from '../../protocol/compose/project.js'
import { parse } from '../support/compose.js'
import { formFiles, twins } from '../support/compose-forms.js'
import { writeProject } from '../support/compose-writer.js'

const canonical = suite('the canonical form')
const numRuns = 1500

/** Undefined if it is refused. */
function read(text: string): Project | undefined {
  const result = parse(text, { files: formFiles })
  return result.ok ? result.value.project : undefined
}

function hashesOf(project: Project): Record<string, string> {
  return Object.fromEntries(Object.entries(project.services).map(([name, service]) => [name, hashService(service, project)]))
}

canonical('written out and read again is itself', () => {
  let taken = 0
  const property = fc.property(twins, ([text]) => {
    const project = read(text)
    if (project === undefined) return
    taken++
    assert.equal(read(writeProject(project)), project)
  })
  fc.assert(property, { numRuns })
  assert.ok(taken > numRuns / 3, `${taken} of ${numRuns}`)
})

canonical('is that of every file that means the same, and so is the hash', () => {
  let taken = 0
  const property = fc.property(twins, ([one, other]) => {
    const [first, second] = [read(one), read(other)]
    assert.equal(second, first)
    if (first === undefined || second === undefined) return
    taken++
    assert.is(JSON.stringify(second), JSON.stringify(first))
    assert.equal(hashesOf(second), hashesOf(first))
  })
  fc.assert(property, { numRuns })
  assert.ok(taken > numRuns / 3, `${taken} of ${numRuns}`)
})

canonical.run()
