// Services that extend others.
// biome-ignore-all lint/suspicious/noTemplateCurlyInString: the placeholders are compose's
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { unwrap } from '../../protocol/errors.js'
import { compose, faultsOf, servicesOf, webOf } from '../support/compose-folder.js'

const test = suite('extends')

test('takes what a service of the same file has, short or long', () => {
  for (const form of ['base', '{service: base}']) {
    const files = {
      'compose.yaml': `services: {base: {image: i, environment: {A: b, B: b}}, web: {extends: ${form}, environment: [B=w], tty: true}}`,
    }
    const { image, environment, tty } = webOf(files)
    assert.equal({ image, environment, tty }, { image: 'i', environment: { A: 'b', B: 'w' }, tty: true })
  }
})

test('makes the same service as one that is written out', () => {
  const extended = servicesOf({
    'compose.yaml':
      'services: {a: {image: i, ports: ["1"], labels: [x=1], command: a}, web: {extends: a, ports: ["2:2"], labels: {y: 2}, command: [b]}}',
  })
  const written = servicesOf({ 'compose.yaml': 'services: {web: {image: i, ports: ["1", "2:2"], labels: [x=1, y=2], command: b}}' })
  assert.equal(extended.web, written.web)
})

test('goes over several steps, whatever their order', () => {
  const services = ['c: {extends: b, environment: {C: 3}}', 'a: {image: i, environment: {A: 1}}', 'b: {extends: a, environment: {B: 2}}']
  for (const order of [services, [...services].reverse()])
    assert.equal(servicesOf({ 'compose.yaml': `services: {${order.join(', ')}}` }).c?.environment, { A: '1', B: '2', C: '3' })
})

test('leaves the service that is extended as it is', () => {
  const { base } = servicesOf({
    'compose.yaml': 'services: {web: {extends: base, labels: {a: 2}, ports: !reset []}, base: {image: i, labels: {a: 1}, ports: ["80"]}}',
  })
  assert.equal([base?.labels, base?.ports.length], [{ a: '1' }, 1])
})

test('takes dependencies along', () => {
  const { web } = servicesOf({ 'compose.yaml': 'services: {db: {image: i}, base: {image: i, depends_on: [db]}, web: {extends: base}}' })
  assert.equal(Object.keys(web?.dependsOn ?? {}), ['db'])
})

test('takes profiles along', () => {
  const files = { 'compose.yaml': 'services: {a: {image: i}, base: {image: i, profiles: [x]}, web: {extends: base}}' }
  assert.equal(Object.keys(servicesOf(files)), ['a'])
  assert.equal(Object.keys(servicesOf(files, { profiles: ['x'] })), ['a', 'base', 'web'])
})

test('can take away and replace what is extended', () => {
  const text = `services:
  base: {image: i, ports: ["80:80"], dns: [9.9.9.9], environment: {A: 1, B: 1}}
  web: {extends: base, ports: !override ["81:81"], dns: !reset null, environment: {A: !reset null}}`
  const { ports, dns, environment } = webOf({ 'compose.yaml': text })
  assert.equal({ ports: ports.map(({ target }) => target), dns, environment }, { ports: [81], dns: [], environment: { B: '1' } })
})

test('reads another file with the same variables', () => {
  const files = {
    'compose.yaml': 'services: {web: {extends: {file: base.yaml, service: base}}}',
    'base.yaml': 'services: {base: {image: "i:${T}"}}',
  }
  const { project, paths, variables } = unwrap(compose(files, { environment: { T: '2' } }))
  assert.is(project.services.web?.image, 'i:2')
  assert.equal(Object.keys(project.services), ['web'])
  assert.equal([paths, variables], [['compose.yaml', 'base.yaml'], ['T']])
})

test('reads files that other files name, from their own folders', () => {
  const files = {
    'compose.yaml': 'services: {web: {extends: {file: ./one/one.yaml, service: one}, env_file: x.env}}',
    'one/one.yaml':
      'services: {zero: {image: i, env_file: x.env}, one: {extends: zero, label_file: l.env, depends_on: []}, two: {extends: {file: two/two.yaml, service: two}}}',
    'x.env': 'HERE=1\nX=here',
    'one/x.env': 'ONE=1\nX=one',
    'one/l.env': 'l=1',
  }
  const { environment, labels } = webOf(files)
  assert.equal({ environment, labels }, { environment: { HERE: '1', ONE: '1', X: 'here' }, labels: { l: '1' } })
  const deeper = {
    ...files,
    'compose.yaml': 'services: {web: {extends: {file: one/one.yaml, service: two}}}',
    'one/two/two.yaml': 'services: {two: {extends: {file: ../one.yaml, service: one}, environment: {TWO: 2}}}',
  }
  assert.equal(webOf(deeper).environment, { TWO: '2', ONE: '1', X: 'one' })
})

test('reads another file only once', () => {
  const services = Array.from({ length: 200 }, (_, n) => `  s${n}: {extends: {file: base.yaml, service: base}}\n`).join('')
  const files = { 'compose.yaml': `services:\n${services}`, 'base.yaml': `services: {base: {image: i}}\n${'# x\n'.repeat(100_000)}` }
  assert.is(Object.keys(servicesOf(files)).length, 200)
})

test('names the file of a fault', () => {
  const files = {
    'compose.yaml': 'services: {web: {extends: {file: b/base.yaml, service: base}}}',
    'b/base.yaml': 'services: {base: {image: i, ports: [x]}}',
  }
  assert.equal(faultsOf(files), [['compose.schema', 'b/base.yaml: services.base.ports[0]']])
})

const refused: readonly (readonly [what: string, services: string, fault: readonly [string, string]])[] = [
  ['itself', 'web: {extends: web}', ['compose.inconsistent', 'services.web.extends']],
  ['one that extends it', 'web: {extends: b}, b: {extends: web}', ['compose.inconsistent', 'services.b.extends']],
  ['no service', 'web: {extends: nope}', ['compose.inconsistent', 'services.web.extends']],
  ['what is no service', 'web: {extends: b}, b: [x]', ['compose.schema', 'services.web.extends']],
  ['a missing file', 'web: {extends: {file: nope.yaml, service: b}}', ['compose.inconsistent', 'services.web.extends.file']],
  ['a folder', 'web: {extends: {file: sub, service: b}}', ['compose.inconsistent', 'services.web.extends.file']],
  ['a service that a file lacks', 'web: {extends: {file: sub/b.yaml, service: b}}', ['compose.inconsistent', 'services.web.extends']],
  ['a file outside the folder', 'web: {extends: {file: ../b.yaml, service: b}}', ['compose.unsupported', 'services.web.extends.file']],
  [
    'a file of the network',
    'web: {extends: {file: "https://x.example/b.yaml", service: b}}',
    ['compose.unsupported', 'services.web.extends.file'],
  ],
  [
    'a file of a repository',
    'web: {extends: {file: "git@x.example:a/b.git", service: b}}',
    ['compose.unsupported', 'services.web.extends.file'],
  ],
  ['a number', 'web: {extends: 5}', ['compose.schema', 'services.web.extends']],
  ['a file alone', 'web: {extends: {file: sub/b.yaml}}', ['compose.schema', 'services.web.extends']],
]

for (const [what, services, fault] of refused)
  test(`${what} cannot be extended`, () => {
    assert.equal(faultsOf({ 'compose.yaml': `services: {${services}}`, 'sub/b.yaml': 'services: {a: {image: i}}' })[0], fault)
  })

test('a circle through other files is refused', () => {
  const files = {
    'compose.yaml': 'services: {web: {extends: {file: a.yaml, service: a}}}',
    'a.yaml': 'services: {a: {extends: {file: compose.yaml, service: web}}}',
  }
  assert.is(faultsOf(files)[0]?.[0], 'compose.inconsistent')
})

test('a chain that is too long is refused, whatever its order', () => {
  const links = Array.from({ length: 100 }, (_, n) => `s${n}: {${n === 0 ? 'image: i' : `extends: s${n - 1}`}}`)
  for (const order of [links, [...links].reverse()])
    assert.is(faultsOf({ 'compose.yaml': `services: {${order.join(', ')}}` })[0]?.[0], 'compose.too-complex')
})

test('many services that extend a large one are refused', () => {
  const large = `base: {image: i, command: [${'a, '.repeat(20_000)}]}`
  const others = Array.from({ length: 1000 }, (_, n) => `s${n}: {extends: base}`)
  assert.is(faultsOf({ 'compose.yaml': `services: {${[large, ...others].join(', ')}}` })[0]?.[0], 'compose.too-complex')
})

test.run()
