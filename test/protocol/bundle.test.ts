// Bundles: equal ones are equal, their folder holds them and nothing else, and what changes in them shows in a digest.
import fc from 'fast-check'
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { findComposeFiles, readArchive } from '../../protocol/archive.js'
import { type Bundle, checkSpec, digestIn, refusePath, sourceOf, specOf } from '../../protocol/bundle.js'
import { parseProject } from '../../protocol/compose/parse.js'
import { unwrap } from '../../protocol/errors.js'
import { digestText, openFile, openSpec, packFile, packSpec } from '../../protocol/spec.js'
import { deviceVariables, manifestVariables, sampleVariables } from '../../protocol/variables.js'
import { writeArchive } from '../support/archive.js'

const compose = 'services: {a: {image: i}}'
const filesOf = (files: Record<string, string>) =>
  new Map(Object.entries(files).map(([path, text]) => [path, { contents: Buffer.from(text) }]))
const bundle = (files: Record<string, string>, more: Partial<Bundle> = {}) => unwrap(specOf({ compose, files: filesOf(files), ...more }))
const sourceFor = (files: Record<string, string>, more: Partial<Bundle> = {}) => {
  const contents = new Map(Object.values(files).map(text => [digestText(packFile(Buffer.from(text)).digest), Buffer.from(text)]))
  const place = { app: 'web', variables: { SKERRY_APP: 'web' } }
  return sourceOf(bundle(files, more), digest => contents.get(digestText(digest)), place)
}

test('a file of any bytes comes back as it was, an empty one too', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 5000 }), bytes => {
      const { digest, payload } = packFile(bytes)
      const opened = openFile(payload, digest)
      assert.ok(opened.ok && Buffer.compare(opened.value, bytes) === 0)
    }),
  )
})

test('a bundle of one plain file is the spec of that text', () => {
  assert.equal(packSpec(bundle({})).digest, packSpec({ compose }).digest)
  assert.equal(packSpec(bundle({}, { path: 'compose.yaml', environment: {}, profiles: [] })).digest, packSpec({ compose }).digest)
})

test('the order in which files, variables and profiles are given changes nothing', () => {
  const one = bundle({ a: '1', b: '2' }, { environment: { X: '1', Y: '2' }, profiles: ['p', 'q', 'p'] })
  const other = bundle({ b: '2', a: '1' }, { environment: { Y: '2', X: '1' }, profiles: ['q', 'p'] })
  assert.equal(packSpec(one).digest, packSpec(other).digest)
  assert.not.equal(packSpec(one).digest, packSpec(bundle({ a: '1', b: '3' })).digest)
})

test('a spec opens to what was packed', () => {
  const spec = bundle({ 'a/b': '1' }, { path: 'x.yaml', environment: { X: '1' }, profiles: ['p'] })
  const { digest, payload } = packSpec(spec)
  const { version, ...opened } = unwrap(openSpec(payload, digest))
  assert.is(version, 1)
  assert.equal(JSON.stringify(opened), JSON.stringify(spec))
})

test('the folder of a bundle has its files and nothing outside', () => {
  const { folder, files } = sourceFor({ 'conf/a/b': 'x', '.env': 'A=1' }, { path: 'main.yaml', overrides: ['.env'] })
  assert.equal(files, ['main.yaml', '.env'])
  for (const path of ['conf/a/b', './conf/a/b', 'conf/../conf/a/b']) assert.is(Buffer.from(folder.read(path) ?? []).toString(), 'x')
  assert.is(Buffer.from(folder.read('main.yaml') ?? []).toString(), compose)
  for (const path of ['conf', '..', '../conf/a/b', '/conf/a/b', 'conf/a', 'compose.yaml', '']) assert.is(folder.read(path), undefined, path)
  const kinds = ['conf', './conf/', 'conf/a', '.', './', 'conf/a/b', 'main.yaml', 'con', '..', '/'].map(path => folder.kind(path))
  assert.equal(kinds, ['folder', 'folder', 'folder', 'folder', 'folder', 'file', 'file', undefined, undefined, undefined])
  assert.not(folder.isLocal)
})

test('the digest of a path changes with what is in it, and with nothing else', () => {
  const digests = (files: Record<string, string>) => ['./conf', 'conf/a', '.', 'none'].map(digestIn(bundle(files)))
  const [folder, file, all, none] = digests({ 'conf/a': '1', 'conf/b': '2', c: '3' })
  assert.is(none, undefined)
  const changed = digests({ 'conf/a': '1', 'conf/b': '4', c: '3' })
  assert.equal([changed[0] === folder, changed[1] === file, changed[2] === all], [false, true, false])
  const elsewhere = digests({ 'conf/a': '1', 'conf/b': '2', c: '4' })
  assert.equal([elsewhere[0] === folder, elsewhere[1] === file, elsewhere[2] === all], [true, true, false])
  const executable = specOf({ compose, files: new Map([['conf/a', { contents: Buffer.from('1'), executable: true }]]) })
  assert.not.equal(digestIn(unwrap(executable))('conf/a'), file)
})

test('values of a device win over those of the deploy', () => {
  const spec = { compose, environment: [{ name: 'SKERRY_APP', value: 'forged' }] }
  assert.not.ok(checkSpec(spec).ok)
  const source = sourceFor({}, { environment: { TAG: '1', COMPOSE_PROJECT_NAME: 'other' } })
  assert.equal(source.environment, { TAG: '1', COMPOSE_PROJECT_NAME: 'web', SKERRY_APP: 'web' })
})

test('values come from the device, then the deploy, then .env, then the default', () => {
  const names = ['SKERRY_APP', 'B', 'C', 'D']
  const text = `services: {a: {image: i, labels: {l: "${names.map(name => `\${${name}:-default}`).join(' ')}"}}}`
  const files = { '.env': 'B=env\nC=env\n' }
  const source = sourceFor(files, { compose: text, environment: { B: 'given' } })
  assert.is(unwrap(parseProject(source)).project.services.a?.labels.l, 'web given env default')
})

test('a project is read from the files of a bundle, and says which', () => {
  const text = 'services: {a: {extends: {file: base/b.yaml, service: b}, env_file: x.env}}'
  const source = sourceFor({ 'base/b.yaml': 'services: {b: {image: i}}', 'x.env': 'X=1', unneeded: '' }, { compose: text })
  const { project, paths } = unwrap(parseProject(source))
  assert.equal([project.services.a?.image, project.services.a?.environment], ['i', { X: '1' }])
  assert.equal([...paths].sort(), ['base/b.yaml', 'compose.yaml', 'x.env'])
})

test('no path that is accepted leaves the folder', () => {
  const paths = fc.array(fc.constantFrom('..', '.', '', 'a', 'b ', '...', '~', '\0'), { maxLength: 6 }).map(parts => parts.join('/'))
  fc.assert(
    fc.property(paths, path => {
      if (refusePath(path) !== undefined) return
      assert.not.ok(
        path.startsWith('/') || path.split('/').some(part => part === '..' || part === '.' || part === '') || path.includes('\0'),
      )
    }),
  )
})

test('variables of a device: its own wins for what it is, the manager wins for its name', () => {
  const given = [...manifestVariables('press', { 'Hall No': '3' }), { name: 'APP', value: 'forged' }]
  const variables = deviceVariables({ app: 'web', device: { id: 'a1', name: 'host' }, given })
  assert.equal(variables, {
    SKERRY_DEVICE_ID: 'a1',
    SKERRY_DEVICE_NAME: 'press',
    SKERRY_LABEL_HALL_NO: '3',
    SKERRY_APP: 'web',
    SKERRY_GROUP: '',
  })
  assert.is(sampleVariables('web', ['a $SKERRY_LABEL_X b', 'SKERRY_LABEL_Y']).SKERRY_LABEL_X, '1')
})

test('links of an archive are the files that they lead to, inside of it only', async () => {
  const links = (links: Record<string, string>) => writeArchive({ 'compose.yaml': compose, 'conf/a': 'x' }, {}, links)
  const files = await readArchive(await links({ 'conf/b': 'a', c: 'conf/b' }))
  assert.equal([...files.keys()].sort(), ['c', 'compose.yaml', 'conf/a', 'conf/b'])
  assert.is(Buffer.from(files.get('c')!.contents).toString(), 'x')
  for (const to of ['/conf/a', '../conf/a', 'conf', 'none', 'b']) {
    const error = await readArchive(await links({ b: to })).catch(thrown => thrown)
    assert.is(error.code, 'spec.invalid', to)
  }
})

test('any bytes as an archive give files or a refusal', async () => {
  const whole = await writeArchive({ 'compose.yaml': compose, 'conf/a': 'x'.repeat(700) })
  const bytes = fc.oneof(
    fc.uint8Array({ maxLength: 3000 }),
    fc.tuple(fc.nat(whole.length - 1), fc.nat(255)).map(([at, byte]) => {
      const changed = Buffer.from(whole)
      changed[at] = byte
      return changed
    }),
  )
  await fc.assert(
    fc.asyncProperty(bytes, async archive => {
      const found = await readArchive(archive).catch(error => error.code)
      assert.ok(found instanceof Map || found === 'spec.invalid' || found === 'spec.too-large', String(found))
    }),
  )
})

test('compose files that nobody names are found in order of preference', () => {
  const find = (...names: string[]) => findComposeFiles(name => names.includes(name))
  assert.equal(find('docker-compose.yml', 'compose.yml'), ['compose.yml'])
  assert.equal(find('compose.yaml', 'docker-compose.override.yml'), ['compose.yaml', 'docker-compose.override.yml'])
  assert.equal(find('compose.override.yaml'), [])
})

test.run()
