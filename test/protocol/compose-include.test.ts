// Compose files that include others.
// biome-ignore-all lint/suspicious/noTemplateCurlyInString: the placeholders are compose's
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { unwrap } from '../../protocol/errors.js'
import { compose, faultsOf, servicesOf, webOf } from '../support/compose-folder.js'

const test = suite('include')

const main = (include: string, rest = 'services: {a: {image: i}}') => `include: ${include}\n${rest}\n`

test('adds the services, networks and volumes of other files', () => {
  const files = {
    'compose.yaml': main('[db/compose.yaml]', 'services: {a: {image: i, depends_on: [db], networks: [n]}}\nvolumes: {w: }'),
    'db/compose.yaml':
      'name: db\nversion: "3"\nx-own: 1\nservices: {db: {image: d, volumes: ["v:/v"]}}\nvolumes: {v: }\nnetworks: {n: {internal: true}}',
  }
  const { project, paths, warnings } = unwrap(compose(files))
  assert.equal(
    [Object.keys(project.services), Object.keys(project.volumes), Object.keys(project.networks)],
    [
      ['a', 'db'],
      ['v', 'w'],
      ['default', 'n'],
    ],
  )
  assert.equal([paths, warnings], [['compose.yaml', 'db/compose.yaml'], []])
})

test('takes every form', () => {
  const forms = [
    'sub/web.yaml',
    '{path: sub/web.yaml}',
    '[sub/web.yaml]',
    '[./sub/web.yaml]',
    '[{path: sub/web.yaml}]',
    '[{path: [sub/web.yaml]}]',
    '[{path: sub/web.yaml, project_directory: sub}]',
  ]
  for (const form of forms)
    assert.equal(
      webOf({
        'compose.yaml': main(form),
        'sub/web.yaml': 'services: {web: {image: i, env_file: x.env}}',
        'sub/x.env': 'X=sub',
        'x.env': 'X=main',
      }).environment,
      { X: 'sub' },
    )
})

test('merges the files of one entry', () => {
  const files = {
    'compose.yaml': main('[{path: [sub/a.yaml, own.yaml]}]', ''),
    'sub/a.yaml': 'services: {web: {image: i, ports: ["80:80"], env_file: x.env}}',
    'own.yaml': 'services: {web: {ports: !override ["81:81"], label_file: x.env}}',
    'sub/x.env': 'X=sub',
  }
  const { ports, environment, labels } = webOf(files)
  assert.equal(
    { ports: ports.map(({ target }) => target), environment, labels },
    { ports: [81], environment: { X: 'sub' }, labels: { X: 'sub' } },
  )
})

test('starts paths from the folder that it names', () => {
  const files = {
    'compose.yaml': main('[{path: sub/web.yaml, project_directory: .}]'),
    'sub/web.yaml': 'services: {web: {extends: {file: base.yaml, service: base}, env_file: x.env}}',
    'base.yaml': 'services: {base: {image: base}}',
    'x.env': 'X=main',
  }
  const { image, environment } = webOf(files)
  assert.equal({ image, environment }, { image: 'base', environment: { X: 'main' } })
})

test('follows the includes of included files, from their folders', () => {
  const files = {
    'compose.yaml': main('[one/one.yaml]'),
    'one/one.yaml': main('[two/two.yaml, ../three.yaml]', 'services: {one: {image: i}}'),
    'one/two/two.yaml': 'services: {two: {image: i, label_file: l.env}}',
    'three.yaml': 'services: {three: {image: i}}',
    'one/two/l.env': 'l=1',
  }
  const services = servicesOf(files)
  assert.equal(Object.keys(services), ['a', 'one', 'three', 'two'])
  assert.equal(services.two?.labels, { l: '1' })
})

test('gives a file the variables of its own .env, which the project’s win over', () => {
  const shown = 'services: {web: {image: i, environment: {A: "${A-none}", B: "${B-none}", C: }}}'
  const files = {
    'compose.yaml': main('[sub/web.yaml]', 'services: {a: {image: "${A-none}", environment: [C]}}'),
    'sub/web.yaml': shown,
    'sub/.env': 'A=sub\nB=sub\nC=sub',
  }
  const services = servicesOf(files, { environment: { B: 'shell' } })
  assert.equal(services.web?.environment, { A: 'sub', B: 'shell', C: 'sub' })
  assert.equal([services.a?.image, services.a?.environment], ['none', { C: null }])
})

test('gives a file the variables of the files that it names instead', () => {
  const shown = 'services: {web: {image: i, environment: {A: "${A-none}", B: "${B-none}"}}}'
  const files = { 'sub/web.yaml': shown, 'sub/.env': 'A=sub', 'one.env': 'A=one\nB=one', 'two.env': 'B=$A-two' }
  const environmentOf = (list: string) => webOf({ ...files, 'compose.yaml': main(`[{path: sub/web.yaml, env_file: ${list}}]`) }).environment
  assert.equal(environmentOf('one.env'), { A: 'one', B: 'one' })
  assert.equal(environmentOf('[./one.env, two.env]'), { A: 'one', B: 'one-two' })
  assert.equal(environmentOf('/dev/null'), { A: 'none', B: 'none' })
})

test('fills in its own paths', () => {
  assert.is(
    webOf({ 'compose.yaml': main('["${DIR}/web.yaml"]'), 'x/web.yaml': 'services: {web: {image: i}}' }, { environment: { DIR: 'x' } })
      .image,
    'i',
  )
})

test('accepts what is the same in several files', () => {
  const files = {
    'compose.yaml': main('[b.yaml, c.yaml]'),
    'b.yaml': 'networks: {n: {internal: true, name: x}}',
    'c.yaml': 'networks:\n  n: {name: x, internal: true}\n',
  }
  assert.equal(Object.keys(servicesOf(files)), ['a'])
})

test('an override of the whole project can change what is included', () => {
  const files = {
    'compose.yaml': main('[web.yaml]'),
    'web.yaml': 'services: {web: {image: i, tty: true}}',
    'over.yaml': 'services: {web: {image: j}}',
  }
  const { image, tty } = webOf(files, { files: ['compose.yaml', 'over.yaml'] })
  assert.equal({ image, tty }, { image: 'j', tty: true })
})

const refused: readonly (readonly [what: string, include: string, fault: readonly [string, string]])[] = [
  ['a flag', 'true', ['compose.schema', 'include']],
  ['a number', '[5]', ['compose.schema', 'include[0]']],
  ['no path', '[{env_file: a}]', ['compose.schema', 'include[0]']],
  ['an unknown key', '[{path: sub/ok.yaml, file: a}]', ['compose.unknown', 'include[0].file']],
  ['a missing file', '[nope.yaml]', ['compose.inconsistent', 'include[0]']],
  ['missing variables', '[{path: sub/ok.yaml, env_file: nope.env}]', ['compose.inconsistent', 'include[0]']],
  ['a file outside the folder', '[../a.yaml]', ['compose.unsupported', 'include[0]']],
  ['a file of the network', '["oci://x.example/a:1"]', ['compose.unsupported', 'include[0]']],
  ['itself', '[compose.yaml]', ['compose.inconsistent', 'include[0]']],
  ['one that includes it', '[sub/back.yaml]', ['compose.inconsistent', 'sub/back.yaml: include[0]']],
  ['another service of the same name', '[sub/a.yaml]', ['compose.inconsistent', 'services.a']],
  ['two services of the same name', '[sub/ok.yaml, sub/ok2.yaml]', ['compose.inconsistent', 'sub/ok.yaml: services.ok']],
  ['what is no YAML', '[sub/bad.yaml]', ['compose.yaml', 'sub/bad.yaml: line 1, column 6']],
  ['a list', '[sub/list.yaml]', ['compose.schema', 'sub/list.yaml']],
  ['an unknown section', '[sub/section.yaml]', ['compose.unknown', 'sub/section.yaml: servces']],
  ['a wrong attribute', '[sub/wrong.yaml]', ['compose.unknown', 'sub/wrong.yaml: services.w.imge']],
]

for (const [what, include, fault] of refused)
  test(`${what} is refused`, () => {
    const files = {
      'compose.yaml': main(include),
      'sub/ok.yaml': 'services: {ok: {image: i}}',
      'sub/ok2.yaml': 'services: {ok: {image: j}}',
      'sub/a.yaml': 'services: {a: {image: other}}',
      'sub/back.yaml': 'include: [../compose.yaml]',
      'sub/bad.yaml': 'a: [b',
      'sub/list.yaml': '[a]',
      'sub/section.yaml': 'servces: {}',
      'sub/wrong.yaml': 'services: {w: {image: i, imge: i}}',
    }
    assert.equal(faultsOf(files)[0], fault)
  })

test('files that include many others many times are refused', () => {
  const names = Array.from({ length: 6 }, (_, n) => `f${n}.yaml`)
  const files = Object.fromEntries(
    names.map((name, n) => [name, `include: [${Array.from({ length: 9 }, () => names[n + 1] ?? 'end.yaml').join(', ')}]`]),
  )
  const faults = faultsOf({ 'compose.yaml': main('[f0.yaml]'), 'end.yaml': '', ...files })
  assert.is(faults[0]?.[0], 'compose.too-complex')
})

test.run()
