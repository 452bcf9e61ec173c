// Images built from folders beside the compose file.
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import type { Build } from '../../protocol/compose/parts.js'
import { type ErrorCode, unwrap } from '../../protocol/errors.js'
import { faultsOf, parse, projectOf, type Surroundings, warningsOf } from '../support/compose.js'

const beside: Surroundings = {
  files: { 'conf/a.conf': 'a', 'app/Dockerfile': 'FROM x', 'app/Other.df': 'FROM y', Dockerfile: 'FROM z' },
  environment: { TOKEN: 'abc' },
}

const pathsOf = (text: string) => [...unwrap(parse(text, beside)).paths].sort().filter(path => path !== 'compose.yaml')

const builds = suite('a build')

const plain: Build = { context: './app', args: {}, labels: {}, extraHosts: [], cacheFrom: [], tags: [] }
const buildOf = (build: string, surroundings = beside) => projectOf(`services: {a: {build: ${build}}}`, surroundings).services.a?.build

const builtFrom: readonly (readonly [build: string, canonical: Build])[] = [
  ['./app', plain],
  ['app/', plain],
  ['{context: ./app, dockerfile: ./Dockerfile}', plain],
  ['{context: app, no_cache: false, pull: false, args: {}, platforms: []}', plain],
  ['.', { ...plain, context: '.' }],
  ['{}', { ...plain, context: '.' }],
  ['{context: app, dockerfile: Other.df, target: two}', { ...plain, dockerfile: 'Other.df', target: 'two' }],
  ['{context: app, dockerfile: ../Dockerfile}', { ...plain, dockerfile: '../Dockerfile' }],
  ['{context: conf, dockerfile_inline: FROM x}', { ...plain, context: './conf', dockerfileInline: 'FROM x' }],
  ['{context: app, args: [A=1, TOKEN, NOPE], labels: {l: 1}}', { ...plain, args: { A: '1', TOKEN: 'abc' }, labels: { l: '1' } }],
  [
    '{context: app, network: host, extra_hosts: ["a:10.0.0.1"], cache_from: [y, x], tags: ["t:2", "t:1"], no_cache: true, pull: true, platforms: [linux/arm64], shm_size: 1m}',
    {
      ...plain,
      network: 'host',
      extraHosts: ['a:10.0.0.1'],
      cacheFrom: ['x', 'y'],
      tags: ['t:1', 't:2'],
      noCache: true,
      pull: true,
      platform: 'linux/arm64',
      shmSizeBytes: 1_048_576,
    },
  ],
]

for (const [build, canonical] of builtFrom) builds(`${build} has its canonical form`, () => assert.equal(buildOf(build), canonical))

builds('takes its folder along, and a Dockerfile elsewhere', () => {
  assert.equal(pathsOf('services: {a: {build: ./app}}'), ['app', 'app/Dockerfile'])
  assert.equal(pathsOf('services: {a: {build: {context: conf, dockerfile: ../Dockerfile}}}'), ['Dockerfile', 'conf'])
})

builds('needs no image beside it', () => {
  assert.is(projectOf('services: {a: {build: app}}', beside).services.a?.image, undefined)
  assert.is(projectOf('services: {a: {build: app, image: "own:1", pull_policy: build}}', beside).services.a?.pullPolicy, 'build')
})

const badBuilds: readonly (readonly [build: string, code: ErrorCode, path: string])[] = [
  ['nope', 'compose.inconsistent', 'build'],
  ['conf', 'compose.inconsistent', 'build'],
  ['/srv/app', 'compose.unsupported', 'build'],
  ['../app', 'compose.unsupported', 'build'],
  ['https://example.com/x.git', 'compose.unsupported', 'build'],
  ['git@example.com:x', 'compose.unsupported', 'build'],
  ['{context: app, dockerfile: nope}', 'compose.inconsistent', 'build'],
  ['{context: app, dockerfile: Dockerfile, dockerfile_inline: FROM x}', 'compose.inconsistent', 'build'],
  ['{context: app, platforms: [linux/arm64, linux/amd64]}', 'compose.unsupported', 'build.platforms'],
  ['{context: app, ssh: [default]}', 'compose.unsupported', 'build.ssh'],
  ['{context: app, secrets: [s]}', 'compose.unsupported', 'build.secrets'],
  ['{context: app, additional_contexts: {a: b}}', 'compose.unsupported', 'build.additional_contexts'],
  ['{context: app, privileged: true}', 'compose.unsupported', 'build.privileged'],
  ['{context: app, ulimits: {nofile: 5}}', 'compose.unsupported', 'build.ulimits'],
  ['{context: app, isolation: process}', 'compose.unsupported', 'build.isolation'],
  ['{context: app, entitlements: [x]}', 'compose.unsupported', 'build.entitlements'],
  ['{contxt: app}', 'compose.unknown', 'build.contxt'],
]

for (const [build, code, path] of badBuilds)
  builds(`${build} is refused`, () => {
    assert.equal(faultsOf(`services: {a: {build: ${JSON.stringify(build).startsWith('"{') ? build : JSON.stringify(build)}}}`, beside)[0], [
      code,
      `services.a.${path}`,
    ])
  })

builds('says what has no effect', () => {
  const text = 'services: {a: {build: {context: app, cache_to: [x], provenance: true, sbom: true}}}'
  assert.equal(
    warningsOf(text, beside).map(([, path]) => path),
    ['services.a.build.cache_to', 'services.a.build.provenance', 'services.a.build.sbom'],
  )
})

builds.run()
