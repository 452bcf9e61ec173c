// Several files, missing files, files in other folders, and any bytes at all.
// biome-ignore-all lint/suspicious/noTemplateCurlyInString: the placeholders are compose's
import fc from 'fast-check'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { relocate } from '../../protocol/compose/relocate.js'
import { errorKinds, unwrap } from '../../protocol/errors.js'
import { compose, type Files, faultsOf, plain, servicesOf, treeOf, web, webOf } from '../support/compose-folder.js'

const two = { files: ['compose.yaml', 'over.yaml'] }

const several = suite('several files')

several('are laid over each other in order', () => {
  const files = {
    'compose.yaml': 'services: {web: {image: i, environment: {A: 1, B: 1}, ports: ["80"]}, db: {image: d}}',
    'over.yaml': 'services: {web: {environment: [B=2], ports: ["81"]}}',
    'last.yaml': 'services: {web: {environment: [B=3], ports: !override ["82"]}, db: !reset null}',
  }
  const services = servicesOf(files, { files: ['compose.yaml', 'over.yaml', 'last.yaml'] })
  assert.equal(
    [Object.keys(services), services.web?.environment, services.web?.ports.map(({ target }) => target)],
    [['web'], { A: '1', B: '3' }, [82]],
  )
  assert.equal(
    servicesOf(files, two).web?.ports.map(({ target }) => target),
    [80, 81],
  )
})

several('are filled in before they are merged', () => {
  const files = { 'compose.yaml': web('labels: ["${K}=1"]'), 'over.yaml': 'services: {web: {labels: {key: 2}}}' }
  assert.equal(webOf(files, { ...two, environment: { K: 'key' } }).labels, { key: '2' })
})

several('may begin with one that is no project alone', () => {
  const files = { 'compose.yaml': 'services: {web: {tty: true}}', 'over.yaml': 'services: {web: {image: i}}' }
  assert.is(webOf(files, two).image, 'i')
  assert.equal(faultsOf(files), [['compose.inconsistent', 'services.web.image']])
})

several('may have empty ones', () => {
  for (const empty of ['', '# nothing', '---\n', 'services:'])
    assert.is(webOf({ 'compose.yaml': web(), 'over.yaml': empty }, two).image, 'i')
})

several('start their paths from the folder of the first', () => {
  const files = { 'compose.yaml': web(), 'prod/over.yaml': 'services: {web: {env_file: x.env}}', 'x.env': 'X=main', 'prod/x.env': 'X=prod' }
  assert.equal(webOf(files, { files: ['compose.yaml', 'prod/over.yaml'] }).environment, { X: 'main' })
})

several('extend services of their own file only', () => {
  const files = { 'compose.yaml': 'services: {web: {image: i}, base: {image: b}}', 'over.yaml': 'services: {web: {extends: base}}' }
  assert.equal(faultsOf(files, two), [['compose.inconsistent', 'over.yaml: services.web.extends']])
  const own = {
    ...files,
    'over.yaml': 'services: {web: {extends: more, ports: !override ["81"]}, more: {image: m, ports: ["82"], tty: true}}',
  }
  const { image, tty, ports } = webOf({ ...own, 'compose.yaml': web('ports: ["80"]') }, two)
  assert.equal([image, tty, ports.map(({ target }) => target)], ['m', true, [81]])
})

several('name the file of each fault', () => {
  const files = { 'compose.yaml': web('prots: []', 'ports: ["x"]'), 'over.yaml': 'services: {web: {ports: [80, "y"], hostnam: x}}' }
  assert.equal(faultsOf(files, two).sort(), [
    ['compose.schema', 'compose.yaml: services.web.ports[0]'],
    ['compose.schema', 'over.yaml: services.web.ports[1]'],
    ['compose.unknown', 'compose.yaml: services.web.prots'],
    ['compose.unknown', 'over.yaml: services.web.hostnam'],
  ])
  assert.equal(faultsOf({ ...files, 'over.yaml': '[' }, two), [['compose.yaml', 'over.yaml: line 1, column 2']])
  assert.equal(faultsOf({ ...files, 'over.yaml': 'services: {web: {image: "${X:?}"}}' }, two)[0]?.[1], 'over.yaml: services.web.image')
})

several('are all paths', () => {
  const files = {
    'compose.yaml': web('env_file: x.env'),
    'over.yaml': 'services: {web: {extends: {file: b.yaml, service: b}}}',
    'b.yaml': 'services: {b: {tty: true}}',
    'x.env': '',
    '.env': '',
    other: '',
  }
  assert.equal([...unwrap(compose(files, two)).paths].sort(), ['.env', 'b.yaml', 'compose.yaml', 'over.yaml', 'x.env'])
})

several.run()

const reading = suite('a file')

reading('that is missing is refused by name', () => {
  assert.equal(faultsOf({}), [['compose.inconsistent', 'compose.yaml']])
  assert.equal(faultsOf({ 'compose.yaml': web() }, two), [['compose.inconsistent', 'over.yaml']])
})

reading('that is no UTF-8 is refused', () => {
  const bytes = Buffer.concat([Buffer.from(web('hostname: a')), Buffer.from([0xc3, 0x28])])
  assert.equal(faultsOf({ 'compose.yaml': bytes }), [['compose.yaml', 'compose.yaml']])
  assert.equal(faultsOf({ 'compose.yaml': Buffer.from(web(), 'utf16le') })[0]?.[0], 'compose.yaml')
})

reading('may begin with a byte order mark', () => assert.is(webOf({ 'compose.yaml': `\uFEFF${web()}` }).image, 'i'))

reading('that has no services is refused', () => {
  for (const text of ['', '{}', 'services: {}', 'services:', 'version: "3"'])
    assert.is(faultsOf({ 'compose.yaml': text })[0]?.[1], 'services', text)
})

reading('of another folder has its paths changed', () => {
  const tree = treeOf(`
services:
  a:
    build: ctx
    env_file: [x.env, {path: ../y.env}, /abs.env]
    label_file: ./l
    extends: {file: b.yaml, service: a}
    volumes: [./v:/v:ro, ../../up:/u, name:/n, /abs:/a, ~/h:/h, /anonymous, {type: bind, source: long, target: /l}, {type: volume, source: name, target: /m}]
  b: {build: {context: ., dockerfile: D, additional_contexts: {x: ./x, y: "https://x.example/y"}}}
  c: {build: {dockerfile_inline: FROM x, additional_contexts: [x=x, "i=docker-image://i"]}, extends: c}
  d: {build: "https://x.example/r.git#main"}
configs: {c: {file: c.conf}, d: {content: x}}
secrets: {s: {file: /abs}, e: {environment: E}}
volumes: {v: {driver_opts: {o: bind, type: none, device: data}}, w: {driver_opts: {type: nfs, device: ":/x"}}, x: }
include: [a.yaml, {path: [b.yaml], project_directory: p, env_file: e.env}]
`)
  relocate(tree, 'sub')
  assert.equal(plain(tree), {
    services: {
      a: {
        build: 'sub/ctx',
        env_file: ['sub/x.env', { path: 'y.env' }, '/abs.env'],
        label_file: 'sub/l',
        extends: { file: 'sub/b.yaml', service: 'a' },
        volumes: [
          './sub/v:/v:ro',
          '../up:/u',
          'name:/n',
          '/abs:/a',
          '~/h:/h',
          '/anonymous',
          { type: 'bind', source: './sub/long', target: '/l' },
          { type: 'volume', source: 'name', target: '/m' },
        ],
      },
      b: { build: { context: 'sub', dockerfile: 'D', additional_contexts: { x: 'sub/x', y: 'https://x.example/y' } } },
      c: { build: { dockerfile_inline: 'FROM x', additional_contexts: ['x=sub/x', 'i=docker-image://i'], context: 'sub' }, extends: 'c' },
      d: { build: 'https://x.example/r.git#main' },
    },
    configs: { c: { file: 'sub/c.conf' }, d: { content: 'x' } },
    secrets: { s: { file: '/abs' }, e: { environment: 'E' } },
    volumes: {
      v: { driver_opts: { o: 'bind', type: 'none', device: './sub/data' } },
      w: { driver_opts: { type: 'nfs', device: ':/x' } },
      x: null,
    },
    include: ['sub/a.yaml', { path: ['sub/b.yaml'], project_directory: 'sub/p', env_file: 'sub/e.env' }],
  })
})

reading.run()

/** Files that refer to each other in all ways. */
const piece = fc.constantFrom(
  'services: {web: {image: i}}',
  'services: {web: {extends: a}, a: {image: i, ports: ["80:80"]}}',
  'services: {a: {extends: {file: b.yaml, service: web}}}',
  'services: {web: {env_file: [.env, c.yaml], label_file: .env}}',
  'services: !override {web: {image: "${A:-i}", profiles: [a]}}',
  'services: {web: !reset null, a: {image: "${B}", depends_on: [web]}}',
  'include: [b.yaml]',
  'include: [{path: [c.yaml, b.yaml], env_file: .env, project_directory: sub}]',
  'include: [compose.yaml]',
  'networks: {n: {ipam: {config: [{subnet: 10.0.0.0/24}]}}}',
  'networks: {n: !reset null}',
  'A=1\nB="${A}"\n',
  'A="',
  '',
)
const text = fc.oneof(
  piece,
  fc.array(piece, { maxLength: 3 }).map(pieces => pieces.join('\n')),
)
const folder: fc.Arbitrary<Files> = fc.record({ 'compose.yaml': text, 'over.yaml': text, 'b.yaml': text, 'c.yaml': text, '.env': text })
const anyBytes = fc.record({ 'compose.yaml': fc.uint8Array({ maxLength: 200 }), '.env': fc.uint8Array({ maxLength: 60 }) })

function answer(files: Files): unknown {
  const result = compose(files, two)
  for (const { code } of result.ok ? result.value.warnings : result.refusals) assert.ok(Object.hasOwn(errorKinds, code))
  return result
}

const anything = suite('any folder')

anything('gets an answer, the same each time', () => {
  fc.assert(
    fc.property(folder, files => assert.equal(answer(files), answer(files))),
    { numRuns: 1500 },
  )
})

anything('of any bytes gets an answer', () => {
  fc.assert(
    fc.property(anyBytes, files => assert.ok(answer({ ...files, 'over.yaml': files['compose.yaml'] }))),
    { numRuns: 500 },
  )
})

anything.run()
