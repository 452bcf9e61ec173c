// Specs with files: taken in every form, checked, kept by content, told before the manifest, never twice, and cleared when unneeded.
import * as assert from 'node:assert/strict'
import { gzipSync } from 'node:zlib'
import { suite } from 'uvu'
import { maxBundleBytes, maxSpecBytes } from '../../protocol/messages/spec.js'
import { digestText, openFile, openSpec, packFile } from '../../protocol/spec.js'
import { writeArchive } from '../support/archive.js'
import { credentials } from '../support/credentials.js'
import { FakeDevice } from '../support/device.js'
import { eventually } from '../support/within.js'
import { deviceIs, request, type Site, startSite, webApp } from './site.js'

const test = suite<{ site: Site; device: FakeDevice }>('bundles in the manager')

test.before.each(async world => {
  world.site = await startSite()
  world.device = await FakeDevice.online({ url: world.site.broker.url, id: 'a1' })
  await deviceIs(world.site.manager, 'a1', 'Ready')
})

test.after.each(async ({ site, device }) => {
  await device.leave()
  await site.stop()
})

const app = '/devices/a1/apps/web'
const topicOf = (contents: string | Uint8Array) => `skerry/spec/${digestText(packFile(Buffer.from(contents)).digest)}`
const manifestTopic = 'skerry/device/a1/desired'

async function published(site: Site, count: number): Promise<string[]> {
  await eventually(5000, `${count} publishes`, () => site.broker.published.length >= count)
  return site.broker.published.splice(0)
}

function upload(site: Site, body: Uint8Array, headers: Record<string, string>, query = ''): Promise<Response> {
  return fetch(`${site.manager.url}/api/v1${app}${query}`, { method: 'PUT', headers: { ...credentials, ...headers }, body })
}

test('a bundle in JSON travels with its files before the manifest, and opens on the other side', async ({ site, device }) => {
  const files = { 'conf/app.conf': 'level=1\n', 'bin/run': { base64: Buffer.from([0, 255]).toString('base64'), executable: true } }
  const bundle = { compose: webApp(), files, environment: { TAG: 'x' }, profiles: ['debug'] }
  const { status, body } = await request(site.manager, 'PUT', app, bundle)
  assert.equal(status, 201, JSON.stringify(body))
  const topics = await published(site, 4)
  assert.equal(topics.at(-1), manifestTopic)
  assert.deepEqual(topics.slice(0, 3).sort(), [topicOf('level=1\n'), topicOf(Buffer.from([0, 255])), `skerry/spec/${body.digest}`].sort())

  const retained = new Map<string, Buffer>()
  device.client.on('message', (topic, payload) => void retained.set(topic, payload))
  await device.client.subscribeAsync('skerry/spec/+')
  await eventually(5000, 'all are retained', () => retained.size === 3)
  const spec = openSpec(retained.get(`skerry/spec/${body.digest}`)!, Buffer.from(body.digest, 'base64url'))
  assert.ok(spec.ok)
  assert.deepEqual(
    spec.value.files?.map(({ path, sizeBytes, executable }) => [path, sizeBytes, executable ?? false]),
    [
      ['bin/run', 2, true],
      ['conf/app.conf', 8, false],
    ],
  )
  assert.deepEqual([spec.value.environment, spec.value.profiles], [[{ name: 'TAG', value: 'x' }], ['debug']])
  const file = openFile(retained.get(topicOf('level=1\n'))!, spec.value.files![1]!.digest)
  assert.equal(file.ok && Buffer.from(file.value).toString(), 'level=1\n')
})

test('contents that the broker has do not travel again, and go when no current revision needs them', async ({ site }) => {
  const deploy = (files: Record<string, string>) => request(site.manager, 'PUT', app, { compose: webApp(), files })
  const first = (await deploy({ a: 'one', b: 'two', c: 'two' })).body.digest
  assert.equal((await published(site, 4)).length, 4)
  const same = await deploy({ c: 'two', b: 'two', a: 'one' })
  assert.deepEqual([same.status, same.body.changed], [200, false])
  const second = (await deploy({ a: 'three', b: 'two' })).body.digest
  const topics = await published(site, 5)
  assert.deepEqual(topics.slice(0, 3).sort(), [manifestTopic, topicOf('three'), `skerry/spec/${second}`].sort())
  assert.deepEqual(topics.slice(3).sort(), [`-${topicOf('one')}`, `-skerry/spec/${first}`].sort())
  const third = (await deploy({ a: 'one', b: 'two' })).body.digest
  assert.deepEqual((await published(site, 5)).slice(0, 3).sort(), [manifestTopic, topicOf('one'), `skerry/spec/${third}`].sort())
})

test('one plain file is two publishes, whatever the group', async ({ site }) => {
  await request(site.manager, 'POST', '/groups', { name: 'line', devices: ['a1'] })
  await published(site, 2)
  await request(site.manager, 'PUT', '/groups/line/apps/web', webApp())
  assert.deepEqual((await published(site, 2)).at(-1), 'skerry/group/line/desired')
  await request(site.manager, 'PUT', '/groups/line/apps/web', webApp())
  assert.deepEqual(site.broker.published, [])
})

test('archives are taken as tar and gzip, of a folder or what is in it', async ({ site }) => {
  const plain = await writeArchive({ './compose.yaml': webApp(), './conf/a': 'x' }, { './conf/run.sh': '#!/bin/sh' })
  const outer = await writeArchive({ 'web/compose.yaml': webApp(), 'web/conf/a': 'x' }, { 'web/conf/run.sh': '#!/bin/sh' })
  const first = await upload(site, plain, { 'content-type': 'application/x-tar' }, '?env=TAG=a%3Db&profile=p')
  assert.equal(first.status, 201, await first.clone().text())
  const forms: [Uint8Array, Record<string, string>][] = [
    [outer, { 'content-type': 'application/x-tar' }],
    [gzipSync(plain), { 'content-type': 'application/gzip' }],
    [gzipSync(outer), { 'content-type': 'application/x-tar', 'content-encoding': 'gzip' }],
  ]
  for (const [body, headers] of forms) {
    const answer = (await (await upload(site, body, headers, '?env=TAG=a%3Db&profile=p')).json()) as { changed: boolean }
    assert.equal(answer.changed, false, JSON.stringify(answer))
  }
  const { body } = await request(site.manager, 'GET', `${app}/revisions/1`)
  assert.deepEqual(body.files.map((file: { path: string; executable: boolean }) => [file.path, file.executable]).sort(), [
    ['conf/a', false],
    ['conf/run.sh', true],
  ])
  assert.deepEqual([body.path, body.environment, body.profiles], ['compose.yaml', ['TAG'], ['p']])
  const named = await writeArchive({ 'a/b.yaml': webApp(), 'a/c.yaml': webApp('other:1') })
  assert.equal((await upload(site, named, { 'content-type': 'application/x-tar' })).status, 400)
  assert.equal((await upload(site, named, { 'content-type': 'application/x-tar' }, '?file=a/b.yaml&file=a/c.yaml')).status, 200)
  const shown = (await request(site.manager, 'GET', `${app}/revisions/2`)).body
  assert.deepEqual([shown.path, shown.overrides], ['a/b.yaml', ['a/c.yaml']])
})

test('a file of a revision can be read, and values of variables cannot', async ({ site }) => {
  const bundle = { compose: webApp(), files: { 'conf/app.conf': 'level=1\n' }, environment: { PASSWORD: 'geheim' } }
  await request(site.manager, 'PUT', app, bundle)
  const read = (path: string) =>
    fetch(`${site.manager.url}/api/v1${app}/revisions/1/file?path=${encodeURIComponent(path)}`, { headers: credentials })
  const answer = await read('conf/app.conf')
  assert.deepEqual([answer.status, answer.headers.get('content-type'), await answer.text()], [200, 'application/octet-stream', 'level=1\n'])
  const missing = await read('conf/other')
  assert.deepEqual([missing.status, ((await missing.json()) as { code: string }).code], [404, 'file.unknown'])
  const revision = await request(site.manager, 'GET', `${app}/revisions/1`)
  assert.deepEqual(revision.body.environment, ['PASSWORD'])
  assert.ok(!JSON.stringify(revision.body).includes('geheim'))
})

const long = 'x'.repeat(1001)
/** What is refused changes nothing, so one site serves all. */
const refusals = suite<{ site: Site }>('bundles that are refused')
refusals.before(async world => {
  world.site = await startSite()
  const device = await FakeDevice.online({ url: world.site.broker.url, id: 'a1' })
  await deviceIs(world.site.manager, 'a1', 'Ready')
  await device.leave()
})
refusals.after(async ({ site }) => {
  assert.equal((await request(site.manager, 'GET', app)).status, 404)
  await site.stop()
})

const refused: [name: string, bundle: Record<string, unknown>, code: string][] = [
  ['a path that climbs out', { files: { '../a': '' } }, 'spec.invalid'],
  ['a path that climbs out on the way', { files: { 'a/../../b': '' } }, 'spec.invalid'],
  ['an absolute path', { files: { '/etc/passwd': '' } }, 'spec.invalid'],
  ['a path with a NUL', { files: { 'a\0b': '' } }, 'spec.invalid'],
  ['an empty segment', { files: { 'a//b': '' } }, 'spec.invalid'],
  ['a path that is too long', { files: { [long]: '' } }, 'spec.invalid'],
  ['a file that is a folder, too', { files: { a: '', 'a/b': '' } }, 'spec.invalid'],
  ['a file in the place of the compose file', { files: { 'compose.yaml': '' } }, 'spec.invalid'],
  ['a main file that climbs out', { path: '../compose.yaml' }, 'spec.invalid'],
  ['an override that is not there', { overrides: ['b.yaml'] }, 'spec.invalid'],
  ['too many files', { files: Object.fromEntries(Array.from({ length: 1001 }, (_, n) => [`f${n}`, ''])) }, 'spec.too-large'],
  ['a file that is too large', { files: { a: 'x'.repeat(maxSpecBytes + 1) } }, 'spec.too-large'],
  [
    'files that are too large together',
    { files: Object.fromEntries(Array.from({ length: 9 }, (_, n) => [`f${n}`, 'x'.repeat(maxBundleBytes / 8)])) },
    'spec.too-large',
  ],
  ['a variable of devices', { environment: { SKERRY_APP: 'x' } }, 'compose.variable'],
  ['a variable of devices in .env', { files: { '.env': 'A=1\nexport SKERRY_LABEL_X=1\n' } }, 'compose.variable'],
  ['both text and base64', { files: { a: { text: '', base64: '' } } }, 'request.invalid'],
  ['base64 that is none', { files: { a: { base64: '!!!' } } }, 'request.invalid'],
  ['a property that is unknown', { volumes: [] }, 'request.invalid'],
]
for (const [name, more, code] of refused) {
  refusals(`refuses ${name}`, async ({ site }) => {
    const { status, body } = await request(site.manager, 'PUT', app, { compose: webApp(), ...more })
    assert.deepEqual([status >= 400 && status < 500, body.code], [true, code], JSON.stringify(body).slice(0, 300))
  })
}

test('refuses media types that it does not know, and archives that are none', async ({ site }) => {
  for (const headers of [{ 'content-type': 'application/zip' }, { 'content-type': 'application/yaml', 'content-encoding': 'br' }]) {
    const answer = await upload(site, Buffer.from('PK'), headers)
    assert.deepEqual([answer.status, ((await answer.json()) as { code: string }).code], [415, 'media.unsupported'])
  }
  const tar = { 'content-type': 'application/x-tar' }
  const whole = await writeArchive({ 'compose.yaml': webApp(), a: 'x'.repeat(2000) })
  const bad = [Buffer.alloc(1024, 'x'), Buffer.alloc(0), whole.subarray(0, 1200), gzipSync(whole).subarray(0, 100)]
  for (const body of bad) {
    const answer = await upload(site, body, tar)
    const { code } = (await answer.json()) as { code: string }
    assert.ok(answer.status === 400 && ['spec.invalid', 'request.invalid'].includes(code), `${answer.status} ${code}`)
  }
  const bomb = gzipSync(Buffer.alloc(64 * 1024 * 1024))
  const answer = await upload(site, bomb, tar)
  assert.deepEqual([answer.status, ((await answer.json()) as { code: string }).code], [413, 'spec.too-large'])
})

test('refuses what is no UTF-8 instead of changing it, and parameters that it does not know', async ({ site }) => {
  const yaml = { 'content-type': 'application/yaml' }
  const latin = await upload(site, Buffer.from(`${webApp()}# caf\xe9\n`, 'latin1'), yaml)
  assert.deepEqual([latin.status, ((await latin.json()) as { code: string }).code], [400, 'compose.yaml'])
  const strange = await upload(site, Buffer.from(webApp()), yaml, '?settle=2m')
  const problem = (await strange.json()) as { code: string; path: string }
  assert.deepEqual([strange.status, problem.code, problem.path], [400, 'request.invalid', 'settle'])
  assert.equal((await request(site.manager, 'GET', app)).status, 404)
  assert.equal((await request(site.manager, 'DELETE', `${app}?volume=true`)).body.code, 'request.invalid')
})

test('a label that changes is told to its device; a description is not', async ({ site, device }) => {
  await request(site.manager, 'PATCH', '/devices/a1', { labels: { hall: '3' } })
  const told = await device.manifest(({ variables }) => variables !== undefined)
  assert.deepEqual(told.variables, [{ name: 'LABEL_HALL', value: '3' }])
  await published(site, 1)
  await request(site.manager, 'PATCH', '/devices/a1', { description: 'x' })
  await request(site.manager, 'PATCH', '/devices/a1', { labels: { hall: null } })
  assert.equal((await device.manifest(({ variables }) => variables === undefined)).apps.length, 0)
  assert.deepEqual(site.broker.published, [manifestTopic])
})

test('a bundle is read as devices will read it: what is missing in it is refused, what is there counts', async ({ site }) => {
  const compose = 'services:\n  web:\n    image: $IMAGE\n    env_file: app.env\n'
  const missing = await request(site.manager, 'PUT', app, { compose, files: { '.env': 'IMAGE=x' } })
  assert.deepEqual([missing.status, missing.body.code], [400, 'compose.inconsistent'])
  const whole = await request(site.manager, 'PUT', app, { compose, files: { '.env': 'IMAGE=x', 'app.env': 'A=1' } })
  assert.deepEqual([whole.status, whole.body.warnings], [201, []])
})

test('a compose file with variables of devices is checked with samples', async ({ site }) => {
  const compose =
    // biome-ignore lint/suspicious/noTemplateCurlyInString: the file's own
    'services:\n  web:\n    image: busybox:local\n    labels: {a: "${SKERRY_LABEL_HALL:?}-${SKERRY_DEVICE_NAME:?}-${SKERRY_APP}"}\n'
  const { status, body } = await request(site.manager, 'PUT', app, compose)
  assert.deepEqual([status, body.warnings], [201, []])
  const other = await request(site.manager, 'PUT', app, compose.replace('HALL:?', 'HALL}${TAG:?'))
  assert.equal(other.body.code, 'compose.variable')
  assert.equal((await request(site.manager, 'PUT', `${app}?env=TAG=1`, compose.replace('HALL:?', 'HALL}${TAG:?'))).status, 200)
})

test.run()
refusals.run()
