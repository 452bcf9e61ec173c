// Names of revisions: given at the deploy or later, immutable unless moved, shown with revisions, and gone back to.
import * as assert from 'node:assert/strict'
import { FakeDevice } from '../support/device.js'
import type { Embedded } from '../support/embedded.js'
import { eventually } from '../support/within.js'
import { plcSuite } from './plc-site.js'
import { type Answer, deviceIs, request, webApp } from './site.js'

const test = plcSuite('versions')

const path = '/groups/line-1/apps/web'
const short = 'skerry/c/g/line-1/web'
const app = (site: Embedded) => site.api('GET', path)
const versions = async (site: Embedded) =>
  (await site.api('GET', `${path}/versions`)).items.map((each: Answer['body']) => [each.version, each.revision])
const revisions = async (site: Embedded) =>
  (await site.api('GET', `${path}/revisions`)).items.map((each: Answer['body']) => [each.revision, each.version])
const codeOf = async (site: Embedded, method: string, at: string, body?: unknown) => {
  const answer = await request(site.manager, method, at, body)
  return [answer.status, answer.body?.code]
}

test('a deploy under a name is shown with it; the same again is no change, another text under it is refused unless it is to move', async ({
  site,
}) => {
  const deploy = (image: string, query = '') => request(site.manager, 'PUT', `${path}${query}`, webApp(image))
  const first = await deploy('one', '?version=1.0.0')
  assert.deepEqual([first.status, first.body.revision, first.body.version], [201, 1, '1.0.0'])
  assert.deepEqual([(await deploy('one', '?version=1.0.0')).body.changed, (await deploy('one')).body.changed], [false, false])
  const other = await deploy('two', '?version=1.0.0')
  assert.deepEqual([other.status, other.body.code], [409, 'version.exists'])
  assert.deepEqual(await codeOf(site, 'PUT', `${path}?version=1.0.0&dryRun=true`, webApp('two')), [409, 'version.exists'])
  assert.deepEqual(await codeOf(site, 'PUT', `${path}?version=no%20name&dryRun=true`, webApp('two')), [400, 'name.invalid'])
  assert.equal((await app(site)).revision, 1)
  assert.deepEqual([(await deploy('two')).body.version, (await deploy('two', '?version=1.1.0')).body.changed], [null, true])
  assert.equal((await deploy('three', '?version=1.0.0&move=true')).body.version, '1.0.0')
  assert.deepEqual(await versions(site), [
    ['1.0.0', 3],
    ['1.1.0', 2],
  ])
  assert.deepEqual(await revisions(site), [
    [3, '1.0.0'],
    [2, '1.1.0'],
    [1, null],
  ])
  const { message, data } = (await site.api('GET', '/events?type=app.deployed')).items.at(-1)
  assert.match(message, /^revision 3 of web \(1\.0\.0\) was deployed/)
  assert.equal(data.version, '1.0.0')
  const moved = (await site.api('GET', '/events?type=version.set')).items.at(-1)
  assert.deepEqual(moved.data, { version: '1.0.0', revision: 3, before: 1 })
})

test('a stored revision is named later, and its name moved and taken away, each with an entry in the audit trail', async ({ site }) => {
  for (const image of ['one', 'two']) await site.api('PUT', path, webApp(image))
  const put = (name: string, body: object) => request(site.manager, 'PUT', `${path}/versions/${name}`, body)
  const named = await put('v1+a', { revision: 1 })
  const { createdAt, digest, ...rest } = named.body
  assert.deepEqual([named.status, rest], [200, { version: 'v1+a', revision: 1, origin: { via: 'api', from: '127.0.0.1', user: 'local' } }])
  assert.ok(Date.parse(createdAt) > 0 && digest.length === 43)
  assert.deepEqual((await put('v1+a', { revision: 1 })).body, named.body)
  assert.equal((await put('v1+a', { revision: 2 })).body.code, 'version.exists')
  assert.equal((await put('v1+a', { revision: 2, move: true })).body.revision, 2)
  assert.equal((await put('v1', { revision: 9 })).body.code, 'revision.unknown')
  assert.equal((await put('v1', {})).status, 400)
  assert.equal((await put('a%2Fb', { revision: 1 })).body.code, 'name.invalid')
  assert.equal((await put('x'.repeat(64), { revision: 1 })).body.code, 'name.invalid')
  assert.deepEqual(await codeOf(site, 'DELETE', `${path}/versions/v1`), [404, 'version.unknown'])
  assert.deepEqual(await codeOf(site, 'DELETE', `${path}/versions/v1%2Ba`), [204, undefined])
  assert.deepEqual([await versions(site), (await app(site)).version], [[], null])
  const actions = (await site.api('GET', '/audit?target=groups/line-1/apps/web')).items.map(({ action }: Answer['body']) => action)
  assert.equal(actions.filter((action: string) => action === 'version.set').length, 2)
  assert.equal(actions.filter((action: string) => action === 'version.deleted').length, 1)
})

test('of several names of a text the one given or asked for last is shown', async ({ site, plc }) => {
  await site.api('PUT', `${path}?version=1.0.0`, webApp('one'))
  await site.api('PUT', `${path}/versions/stable`, { revision: 1 })
  assert.equal((await app(site)).version, 'stable')
  const answer = await plc.ask(`${short}/ver`, '1.0.0')
  assert.deepEqual([answer.code, answer.changed, answer.version, answer.revision], [0, true, '1.0.0', 1])
  assert.equal((await plc.ask(`${short}/ver`, '1.0.0')).changed, false)
  assert.deepEqual(await versions(site), [
    ['1.0.0', 1],
    ['stable', 1],
  ])
})

test('a PLC deploys under a name and goes back to it; what is stopped stays stopped', async ({ site, plc }) => {
  const deploy = (image: string, version: string) =>
    plc.ask(`${short}/spec`, JSON.stringify({ compose: webApp(image), version, id: `${image}-${version}` }))
  const first = await deploy('one', '1.0.0')
  assert.deepEqual([first.code, first.version, first.text], [0, '1.0.0', 'ok: revision 1 of web (1.0.0) is current'])
  assert.equal((await deploy('two', '2.0.0')).revision, 2)
  const taken = await deploy('three', '1.0.0')
  assert.deepEqual([taken.code, taken.error], [3, 'version.exists'])
  await plc.ask(`${short}/run`, '0')
  const back = await plc.ask('skerry/cmd/group/line-1/app/web/version', '1.0.0\u0000\u0000')
  assert.deepEqual([back.code, back.revision, back.version, back.run], [0, 3, '1.0.0', 'stopped'])
  const { digest, run, revision } = await app(site)
  assert.deepEqual([run, revision], ['stopped', 3])
  assert.equal((await site.api('GET', `${path}/revisions/1`)).digest, digest)
  const unknown = await plc.ask(`${short}/ver`, '9.9.9')
  assert.deepEqual([unknown.code, unknown.error], [2, 'version.unknown'])
  assert.equal((await plc.ask(`${short}/ver`, '')).error, 'request.invalid')
})

test('a switch that an image list denies leaves the name that is shown, and is no event', async ({ site, plc }) => {
  await site.api('PUT', `${path}?version=1.0.0`, webApp('one'))
  await site.api('PUT', `${path}/versions/stable`, { revision: 1 })
  await site.api('PUT', path, webApp('two'))
  await site.api('POST', '/images/allow', { patterns: ['docker.io/library/two'] })
  const set = async () => (await site.api('GET', '/events?type=version.set')).items.length
  const before = await set()
  const answer = await plc.ask(`${short}/ver`, '1.0.0')
  assert.deepEqual([answer.code, answer.error], [4, 'image.denied'])
  assert.deepEqual(await codeOf(site, 'POST', `${path}/switch`, { version: '1.0.0' }), [403, 'image.denied'])
  assert.deepEqual(
    [await revisions(site), await set()],
    [
      [
        [2, null],
        [1, 'stable'],
      ],
      before,
    ],
  )
})

test('the twins of states and the devices have the version, and follow it', async ({ site, plc }) => {
  const device = await FakeDevice.online({ url: site.url, id: 'a1' })
  await deviceIs(site.manager, 'a1', 'Ready')
  await site.api('POST', '/groups/line-1/join', { devices: ['a1'] })
  await site.api('PUT', path, webApp('one'))
  const twins = () =>
    ['group/line-1', 'device/a1'].map(owner => JSON.parse(plc.states[`skerry/state/${owner}/app/web/json`] ?? '{}').version)
  await eventually(5000, 'no version', () => twins().every(version => version === null))
  await site.api('PUT', `${path}/versions/1.0.0`, { revision: 1 })
  await eventually(5000, 'the version', () => twins().every(version => version === '1.0.0'))
  assert.equal((await site.api('GET', '/devices/a1')).apps[0].desiredVersion, '1.0.0')
  await site.api('DELETE', `${path}/versions/1.0.0`)
  await eventually(5000, 'no version again', () => twins().every(version => version === null))
  await device.leave()
})

test('the API goes back to a revision or a version, as PLCs do', async ({ site }) => {
  for (const [image, version] of [
    ['one', '1'],
    ['two', '2'],
  ])
    await site.api('PUT', `${path}?version=${version}`, webApp(image))
  const change = (body: object) => request(site.manager, 'POST', `${path}/switch`, body)
  const shown = async (body: object) => {
    const answer = await change(body)
    return [answer.body.revision, answer.body.version]
  }
  assert.deepEqual(await shown({ version: '1' }), [3, '1'])
  assert.deepEqual(await shown({ revision: 'previous' }), [4, '2'])
  assert.deepEqual(await shown({ revision: 1 }), [5, '1'])
  assert.deepEqual(await shown({ revision: 1 }), [5, '1'])
  for (const [body, code] of [
    [{}, 'request.invalid'],
    [{ revision: 1, version: '1' }, 'request.invalid'],
    [{ revision: 0 }, 'request.invalid'],
    [{ revision: 77 }, 'revision.unknown'],
    [{ version: '3' }, 'version.unknown'],
  ] as const) {
    assert.equal((await change(body)).body.code, code, JSON.stringify(body))
  }
})

test('names go with their app, and are another app’s on another target', async ({ site }) => {
  await site.api('PUT', `${path}?version=1`, webApp('one'))
  await site.api('POST', '/groups', { name: 'line-2' })
  assert.equal((await request(site.manager, 'PUT', '/groups/line-2/apps/web?version=1', webApp('two'))).status, 201)
  await site.api('DELETE', path)
  assert.deepEqual(await codeOf(site, 'GET', `${path}/versions`), [404, 'app.unknown'])
  const again = await site.api('PUT', `${path}?version=1`, webApp('three'))
  assert.deepEqual([again.revision, again.version, await versions(site)], [2, '1', [['1', 2]]])
})

test.run()
