// What a compose file needs of the folder beside it: configs, secrets, binds, builds, profiles of security.
// biome-ignore-all lint/suspicious/noTemplateCurlyInString: the placeholders are compose's
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import type { PlacedFile } from '../../protocol/compose/parts.js'
import type { ErrorCode } from '../../protocol/errors.js'
import { unwrap } from '../../protocol/errors.js'
import { faultsOf, fileWith, parse, projectOf, type Surroundings, serviceWith, warningsOf } from '../support/compose.js'

const beside: Surroundings = {
  files: { 'pw.txt': 's3cret', 'conf/a.conf': 'a', 'app/Dockerfile': 'FROM x', 'app/Other.df': 'FROM y', Dockerfile: 'FROM z' },
  environment: { TOKEN: 'abc', HOME: '/home/me' },
}
const local: Surroundings = { ...beside, isLocal: true }

const pathsOf = (text: string) => [...unwrap(parse(text, beside)).paths].sort().filter(path => path !== 'compose.yaml')

const placed = suite('a config or secret')

const sources = 'configs: {c: {file: ./conf/a.conf}, t: {content: "x=${TOKEN}"}}\nsecrets: {s: {file: pw.txt}, e: {environment: TOKEN}}'
const filesOf = (attributes: string) => serviceWith(attributes, sources, beside).files

const placings: readonly (readonly [attributes: string, files: readonly PlacedFile[]])[] = [
  ['configs: [c]', [{ target: '/c', source: { path: './conf/a.conf' } }]],
  ['secrets: [s]', [{ target: '/run/secrets/s', source: { path: './pw.txt' } }]],
  ['secrets: [{source: s, target: renamed}]', [{ target: '/run/secrets/renamed', source: { path: './pw.txt' } }]],
  ['secrets: [{source: s, target: /etc/pw}]', [{ target: '/etc/pw', source: { path: './pw.txt' } }]],
  [
    'configs: [{source: t, target: /etc/t, mode: 0440, uid: 103, gid: "104"}]',
    [{ target: '/etc/t', source: { content: 'x=abc' }, mode: 0o440, uid: '103', gid: '104' }],
  ],
  ['configs: [{source: t, mode: "0444"}]', [{ target: '/t', source: { content: 'x=abc' } }]],
  [
    '<<: {secrets: [e], configs: [t]}',
    [
      { target: '/run/secrets/e', source: { content: 'abc' } },
      { target: '/t', source: { content: 'x=abc' } },
    ],
  ],
]

for (const [attributes, files] of placings) placed(`by ${attributes} is placed`, () => assert.equal(filesOf(attributes), files))

placed('that is a file travels with the app, if a service gets it', () => {
  assert.equal(pathsOf(fileWith('secrets: [s]', sources)), ['pw.txt'])
  assert.equal(pathsOf(fileWith('tty: true', sources)), [])
})

placed('that is a file has its owner and mode, with a warning', () => {
  assert.equal(filesOf('secrets: [{source: s, mode: 0400}]'), [{ target: '/run/secrets/s', source: { path: './pw.txt' } }])
  assert.equal(warningsOf(fileWith('secrets: [{source: s, mode: 0400}]', sources), beside), [
    ['compose.unsupported', 'services.web.secrets[0]'],
  ])
})

const badFiles: readonly (readonly [attributes: string, rest: string, code: ErrorCode, path: string])[] = [
  ['secrets: [nope]', '', 'compose.inconsistent', 'services.web.secrets[0]'],
  ['configs: [s]', 'secrets: {s: {file: pw.txt}}', 'compose.inconsistent', 'services.web.configs[0]'],
  ['secrets: [{target: x}]', '', 'compose.schema', 'services.web.secrets[0]'],
  ['configs: {c: {}}', '', 'compose.schema', 'services.web.configs'],
  ['secrets: [s]', 'secrets: {s: {file: nope.txt}}', 'compose.inconsistent', 'secrets.s'],
  ['secrets: [s]', 'secrets: {s: {file: conf}}', 'compose.inconsistent', 'secrets.s'],
  ['secrets: [s]', 'secrets: {s: {file: /etc/passwd}}', 'compose.unsupported', 'secrets.s'],
  ['secrets: [s]', 'secrets: {s: {file: ../pw.txt}}', 'compose.unsupported', 'secrets.s'],
  ['secrets: [s]', 'secrets: {s: {environment: NOPE}}', 'compose.variable', 'secrets.s'],
  ['tty: true', 'secrets: {s: {}}', 'compose.inconsistent', 'secrets.s'],
  ['tty: true', 'secrets: {s: }', 'compose.inconsistent', 'secrets.s'],
  ['tty: true', 'configs: {c: {content: a, file: pw.txt}}', 'compose.inconsistent', 'configs.c'],
  ['tty: true', 'secrets: {s: {external: true}}', 'compose.unsupported', 'secrets.s.external'],
  ['tty: true', 'secrets: {s: {driver: vault, file: pw.txt}}', 'compose.unsupported', 'secrets.s.driver'],
  ['tty: true', 'configs: {c: {template_driver: golang, file: pw.txt}}', 'compose.unsupported', 'configs.c.template_driver'],
  ['<<: {secrets: [s, {source: s, target: s}]}', 'secrets: {s: {file: pw.txt}}', 'compose.inconsistent', 'services.web.secrets[1]'],
  ['<<: {configs: [c], volumes: ["/x:/c"]}', 'configs: {c: {file: pw.txt}}', 'compose.inconsistent', 'services.web.configs'],
]

for (const [attributes, rest, code, path] of badFiles)
  placed(`by ${attributes} of ${rest} is refused`, () => assert.equal(faultsOf(fileWith(attributes, rest), beside)[0], [code, path]))

placed.run()

const binds = suite('a bind')

const bindOf = (text: string, surroundings = beside) => serviceWith(`volumes: [${text}]`, '', surroundings).volumes[0]

const bindings: readonly (readonly [text: string, source: string, surroundings?: Surroundings])[] = [
  ['"./conf:/c"', './conf'],
  ['"./conf/../conf//a.conf/:/c"', './conf/a.conf'],
  ['".:/c"', '.'],
  ['".hidden:/c"', './.hidden'],
  ['{type: bind, source: conf, target: /c}', './conf'],
  ['"/var/run//docker.sock:/c"', '/var/run/docker.sock'],
  ['"../up:/c"', '../up', local],
  ['"~/x:/c"', '/home/me/x', local],
  ['"~:/c"', '/home/me', local],
]

for (const [text, source, surroundings] of bindings)
  binds(`${text} has the source ${source}`, () =>
    assert.equal(bindOf(text, surroundings), { type: 'bind', source, target: '/c', options: [] }),
  )

binds('of what the folder has travels with the app', () => {
  assert.equal(pathsOf(fileWith('volumes: ["./conf:/c", "./made:/m", "./pw.txt:/p", "/etc:/e"]')), ['conf', 'pw.txt'])
  assert.equal(pathsOf(fileWith('volumes: [".:/c"]')), ['.'])
})

binds('keeps what only the long form can say', () => {
  assert.equal(
    bindOf('{type: bind, source: ./c, target: /c, bind: {create_host_path: false, recursive: readonly, selinux: Z, propagation: shared}}'),
    {
      type: 'bind',
      source: './c',
      target: '/c',
      options: ['Z', 'shared'],
      createSource: false,
      recursive: 'readonly',
    },
  )
  const usual = '{type: bind, source: ./c, target: /c, bind: {create_host_path: true, recursive: enabled}}'
  assert.equal(bindOf(usual), bindOf('./c:/c'))
})

binds('that is a volume’s device is canonical too', () => {
  const text = (device: string) =>
    `services: {a: {image: i, volumes: ["v:/v"]}}\nvolumes: {v: {driver: local, driver_opts: {type: none, o: "bind,ro", device: ${device}}}}`
  assert.is(projectOf(text('./conf/'), beside).volumes.v?.driverOpts.device, './conf')
  assert.equal(pathsOf(text('./conf')), ['conf'])
  assert.equal(faultsOf(text('../x'), beside), [['compose.unsupported', 'volumes.v.driver_opts']])
  assert.is(projectOf(text('/data'), beside).volumes.v?.driverOpts.device, '/data')
})

for (const text of ['"../up:/c"', '"./a/../../b:/c"', '"~/x:/c"', '{type: bind, source: .., target: /c}'])
  binds(`${text} is refused where the folder is all there is`, () => {
    assert.equal(faultsOf(fileWith(`volumes: [${text}]`), beside), [['compose.unsupported', 'services.web.volumes[0]']])
  })

binds('of a home that nobody knows is refused', () => {
  for (const text of ['~other/x:/c', '~/x:/c'])
    assert.equal(faultsOf(fileWith(`volumes: ["${text}"]`), { isLocal: true }), [['compose.variable', 'services.web.volumes[0]']])
})

binds.run()

const mounts = suite('a mount')

mounts('of each other type has its canonical form', () => {
  const { volumes } = serviceWith(
    `volumes:
      - {type: tmpfs, target: /t, read_only: true, tmpfs: {size: 1m, mode: 0700}}
      - {type: tmpfs, target: /u, tmpfs: {mode: "1777"}}
      - {type: volume, target: /v, volume: {nocopy: true, subpath: a/b, labels: [x=1]}}
      - {type: image, source: "data:1", target: /w, read_only: true, image: {subpath: c}}`,
  )
  assert.equal(volumes, [
    { type: 'tmpfs', target: '/t', sizeBytes: 1_048_576, mode: 0o700, readOnly: true },
    { type: 'tmpfs', target: '/u', mode: 0o1777 },
    { type: 'volume', target: '/v', options: ['nocopy'], subpath: 'a/b', labels: { x: '1' } },
    { type: 'image', source: 'data:1', target: '/w', subpath: 'c' },
  ])
})

mounts.run()

const security = suite('a profile of seccomp')

security('stands in the canonical form, without spaces, numbers as they are', () => {
  const files = { 's.json': '{\n "name": "a \\" b",\n "value": 18446744073709551615 }' }
  for (const form of ['seccomp=./s.json', 'seccomp:s.json'])
    assert.equal(serviceWith(`security_opt: ["${form}"]`, '', { files }).securityOpt, [
      'seccomp={"name":"a \\" b","value":18446744073709551615}',
    ])
  assert.equal([...unwrap(parse(fileWith('security_opt: ["seccomp=./s.json"]'), { files })).paths].sort(), ['compose.yaml', 's.json'])
})

security('that is no JSON or not there is refused', () => {
  const files = { 's.json': '{' }
  assert.equal(faultsOf(fileWith('security_opt: ["seccomp=s.json"]'), { files }), [['compose.schema', 'services.web.security_opt[0]']])
  assert.equal(faultsOf(fileWith('security_opt: ["seccomp=t.json"]'), { files }), [
    ['compose.inconsistent', 'services.web.security_opt[0]'],
  ])
})

security.run()
