// The laws of merging: however a project is spread over files, it is the project that one file would give.
import fc from 'fast-check'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import type { Project } from '../../protocol/compose/project.js'
import { compose, plain, treeOf } from '../support/compose-folder.js'
import { formFiles, twins } from '../support/compose-forms.js'

type Attributes = Readonly<Record<string, unknown>>
type Written = Readonly<Record<string, Readonly<Record<string, Attributes | null>>>>

/** Undefined if it is refused. */
function read(files: Readonly<Record<string, unknown>>, paths = ['compose.yaml']): Project | undefined {
  const texts = Object.entries(files).map(([path, content]) => [path, typeof content === 'string' ? content : JSON.stringify(content)])
  const result = compose({ ...formFiles, ...Object.fromEntries(texts) }, { files: paths })
  return result.ok ? result.value.project : undefined
}

const laws = suite('a project')

/** Holds for files that are taken, which most are. */
function law(fact: string, holds: (whole: Project, written: Written, random: number, twin: Written) => void): void {
  laws(fact, () => {
    let taken = 0
    const property = fc.property(twins, fc.nat(), ([text, other], random) => {
      const whole = read({ 'compose.yaml': text })
      if (whole === undefined) return
      taken++
      holds(whole, plain(treeOf(text)) as Written, random, plain(treeOf(other)) as Written)
    })
    fc.assert(property, { numRuns: 300 })
    assert.ok(taken > 75, `${taken} were taken`)
  })
}

function mapServices(
  { services = {} }: Written,
  change: (attributes: Attributes, name: string) => unknown,
): Readonly<Record<string, unknown>> {
  return Object.fromEntries(Object.entries(services).map(([name, attributes]) => [name, change(attributes ?? {}, name)]))
}

/** Each attribute on one side only. */
function part(attributes: Attributes, random: number, side: number): Attributes {
  return Object.fromEntries(Object.entries(attributes).filter((_, n) => ((random >> (n % 20)) & 1) === side))
}

law('laid over itself is itself', (whole, written) => {
  assert.equal(read({ 'compose.yaml': written, 'over.yaml': written }, ['compose.yaml', 'over.yaml']), whole)
})

/** Of these, lists are laid one behind the other. */
const appended = ['post_start', 'pre_stop', 'gpus', 'deploy']

law('laid over one that means the same is itself', (_whole, written, _random, twin) => {
  const [one, other] = [written, twin].map(file => ({
    ...file,
    services: mapServices(file, attributes => Object.fromEntries(Object.entries(attributes).filter(([key]) => !appended.includes(key)))),
  }))
  const project = read({ 'compose.yaml': one })
  // A few attributes are others' twins.
  if (JSON.stringify(project) !== JSON.stringify(read({ 'compose.yaml': other }))) return
  assert.equal(read({ 'compose.yaml': one, 'over.yaml': other }, ['compose.yaml', 'over.yaml']), project)
})

law('is the same from two files that each say a part of it', (whole, written, random) => {
  const [first, second] = [0, 1].map(side => ({ ...written, services: mapServices(written, attributes => part(attributes, random, side)) }))
  assert.equal(read({ 'compose.yaml': first, 'over.yaml': second }, ['compose.yaml', 'over.yaml']), whole)
})

law('is the same from services that extend those of another file', (whole, written, random) => {
  const base = { services: mapServices(written, attributes => part(attributes, random, 0)) }
  const services = mapServices(written, (attributes, service) => ({
    ...part(attributes, random, 1),
    extends: { file: 'base.yaml', service },
  }))
  assert.equal(read({ 'compose.yaml': { ...written, services }, 'base.yaml': base }), whole)
})

law('is the same from a file that includes it', (whole, written) => {
  assert.equal(read({ 'compose.yaml': 'include: [whole.yaml]', 'whole.yaml': written }), whole)
})

law('is the same from a file that replaces all of another', (whole, written) => {
  const other = 'services: {web: {image: other, ports: ["1:1"], x-a: 1}, gone: {image: i}}\nnetworks: {gone: {internal: true}}'
  const tagged = Object.entries(written).map(([key, section]) => `${key}: !override ${JSON.stringify(section)}`)
  assert.equal(read({ 'compose.yaml': other, 'over.yaml': tagged.join('\n') }, ['compose.yaml', 'over.yaml'])?.services, whole.services)
})

law('is the same with everything reset that another file adds', (whole, written) => {
  const added = {
    ...written,
    services: mapServices(written, attributes => ({ 'x-more': 1, hostname: 'added', domainname: 'added', ...attributes })),
  }
  const missing = (attributes: Attributes) => ['hostname', 'domainname'].filter(key => !(key in attributes))
  const over = Object.entries(mapServices(written, missing)).map(
    ([name, keys]) => `${JSON.stringify(name)}: {${(keys as string[]).map(key => `${key}: !reset null`).join(', ')}}`,
  )
  assert.equal(read({ 'compose.yaml': added, 'over.yaml': `services: {${over.join(', ')}}` }, ['compose.yaml', 'over.yaml']), whole)
})

laws.run()
