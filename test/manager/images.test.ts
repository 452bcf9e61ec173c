// Lists of images: kept, published, and held against what is to be deployed.
import assert from 'node:assert/strict'
import { isDeepStrictEqual } from 'node:util'
import mqtt from 'mqtt'
import { suite } from 'uvu'
import { type Manifest, manifestCodec } from '../../protocol/messages/manifest.js'
import { contentsOf } from '../support/signing.js'
import { eventually } from '../support/within.js'
import { request, type Site, startSite, webApp } from './site.js'

const test = suite('images')

async function withSite(act: (site: Site) => Promise<void>): Promise<void> {
  const site = await startSite()
  try {
    await request(site.manager, 'POST', '/groups', { name: 'line-1' })
    await act(site)
  } finally {
    await site.stop()
  }
}

const allow = (site: Site, patterns: string[], group?: string) =>
  request(site.manager, 'POST', `${group === undefined ? '' : `/groups/${group}`}/images/allow`, { patterns })
const remove = (site: Site, patterns: string[], group?: string) =>
  request(site.manager, 'POST', `${group === undefined ? '' : `/groups/${group}`}/images/remove`, { patterns })
const deploy = (site: Site, image: string, path = '/groups/line-1/apps/web') => request(site.manager, 'PUT', path, webApp(image))

test('a list is kept in full, each pattern once, until it is cleared', () =>
  withSite(async site => {
    assert.deepEqual((await request(site.manager, 'GET', '/images')).body, { items: [] })
    assert.deepEqual((await allow(site, ['nginx', 'registry.example/**'])).body.patterns, [
      'docker.io/library/nginx',
      'registry.example/**',
    ])
    assert.deepEqual((await allow(site, ['docker.io/nginx'])).body.patterns, ['docker.io/library/nginx', 'registry.example/**'])
    await allow(site, ['busybox'], 'line-1')
    assert.deepEqual((await remove(site, ['nginx'])).body.patterns, ['registry.example/**'])
    assert.deepEqual((await request(site.manager, 'GET', '/images')).body.items, [
      { group: null, patterns: ['registry.example/**'] },
      { group: 'line-1', patterns: ['docker.io/library/busybox'] },
    ])
    await site.restart()
    assert.equal((await request(site.manager, 'DELETE', '/images')).status, 204)
    assert.equal((await request(site.manager, 'DELETE', '/groups/line-1/images')).status, 204)
    assert.deepEqual((await request(site.manager, 'GET', '/images')).body, { items: [] })
  }))

test('a group takes its list along', () =>
  withSite(async site => {
    await allow(site, ['busybox'], 'line-1')
    await request(site.manager, 'DELETE', '/groups/line-1')
    await request(site.manager, 'POST', '/groups', { name: 'line-1' })
    assert.deepEqual((await request(site.manager, 'GET', '/images')).body, { items: [] })
  }))

test('what is no pattern, not on the list, or of no group is refused', () =>
  withSite(async site => {
    assert.equal((await allow(site, ['a b'])).body.code, 'request.invalid')
    assert.equal((await allow(site, [])).status, 400)
    assert.equal((await remove(site, ['nginx'])).body.code, 'request.invalid')
    assert.equal((await allow(site, ['nginx'], 'nowhere')).body.code, 'group.unknown')
    const many = Array.from({ length: 200 }, (_, n) => `registry.example/${'x'.repeat(200)}${n}`)
    assert.equal((await allow(site, many)).body.code, 'request.invalid')
  }))

test('a deploy that a list denies is refused with image and list, and changes nothing', () =>
  withSite(async site => {
    await allow(site, ['registry.example/**'])
    const { status, body } = await deploy(site, 'nginx:1.25')
    assert.deepEqual(
      [status, body.code, body.detail, body.path],
      [403, 'image.denied', 'image docker.io/library/nginx:1.25 is not on the image list of the fleet', 'services.web.image'],
    )
    assert.equal((await request(site.manager, 'GET', '/groups/line-1/apps/web')).status, 404)
    assert.equal((await deploy(site, 'registry.example/app:1')).status, 201)
    assert.equal((await deploy(site, 'nginx:1.25', '/groups/line-1/apps/web?dryRun=true')).body.code, 'image.denied')
  }))

test('an image must be on the list of the group, too', () =>
  withSite(async site => {
    await allow(site, ['registry.example/**'])
    await allow(site, ['registry.example/line/*'], 'line-1')
    assert.match((await deploy(site, 'registry.example/app:1')).body.detail, /group line-1/)
    assert.equal((await deploy(site, 'registry.example/line/app:1')).status, 201)
  }))

test('a tag that a list holds to a digest is left for the devices to judge', () =>
  withSite(async site => {
    await allow(site, [`nginx@sha256:${'a'.repeat(64)}`])
    assert.equal((await deploy(site, 'nginx:1.25')).status, 201)
    assert.equal((await deploy(site, `nginx@sha256:${'b'.repeat(64)}`)).status, 403)
  }))

test('an image whose name depends on the device is left for the devices to judge, and no other is', () =>
  withSite(async site => {
    await allow(site, ['registry.example/**'])
    const image = (name: string) => `services:\n  web:\n    image: ${name}\n`
    const put = (name: string) => request(site.manager, 'PUT', '/groups/line-1/apps/web', image(name))
    assert.equal((await put('elsewhere.example/$SKERRY_LABEL_LINE:1')).status, 201)
    assert.equal((await put('elsewhere.example/app:1 # $SKERRY_LABEL_LINE')).status, 403)
  }))

test('an image that is built here must be on the list by its name', () =>
  withSite(async site => {
    await allow(site, ['registry.example/**'])
    const built = (image: string) =>
      request(site.manager, 'PUT', '/groups/line-1/apps/web', {
        compose: `services:\n  web:\n    build: .\n${image}`,
        files: { Dockerfile: 'FROM scratch\nCOPY Dockerfile /\n' },
      })
    assert.match((await built('')).body.detail, /docker\.io\/library\/web-web:latest/)
    assert.equal((await built('    image: registry.example/web:1\n')).status, 201)
  }))

test('what is on no list any more is neither started nor updated nor gone back to', () =>
  withSite(async site => {
    await deploy(site, 'nginx:1')
    await deploy(site, 'registry.example/app:1')
    await allow(site, ['registry.example/**'])
    const post = (verb: string) => request(site.manager, 'POST', `/groups/line-1/apps/web/${verb}`)
    assert.equal((await post('stop')).status, 200)
    assert.equal((await post('start')).status, 200)
    await post('stop')
    await allow(site, ['busybox'], 'line-1')
    assert.equal((await post('start')).body.code, 'image.denied')
    assert.equal((await post('update')).body.code, 'image.denied')
  }))

test('lists stand in the signed manifests of fleet and group', () =>
  withSite(async site => {
    await allow(site, ['registry.example/**'])
    await allow(site, ['busybox'], 'line-1')
    const client = await mqtt.connectAsync(site.broker.url)
    const seen = new Map<string, Manifest>()
    client.on('message', (topic, payload) => {
      const manifest = manifestCodec.decode(contentsOf(payload))
      if (manifest.ok) seen.set(topic, manifest.value)
    })
    await client.subscribeAsync(['skerry/fleet/desired', 'skerry/group/+/desired'], { qos: 1 })
    const images = (topic: string, wanted: readonly string[] | undefined) =>
      eventually(20_000, `the list on ${topic}`, () => seen.has(topic) && isDeepStrictEqual(seen.get(topic)?.images, wanted))
    await images('skerry/fleet/desired', ['registry.example/**'])
    await images('skerry/group/line-1/desired', ['docker.io/library/busybox'])
    await request(site.manager, 'DELETE', '/images')
    await remove(site, ['busybox'], 'line-1')
    await images('skerry/fleet/desired', undefined)
    await images('skerry/group/line-1/desired', [])
    await client.endAsync()
  }))

test('the audit trail tells of lists and of what they refused', () =>
  withSite(async site => {
    await allow(site, ['registry.example/**'], 'line-1')
    await deploy(site, 'nginx')
    const { body } = await request(site.manager, 'GET', '/audit?target=groups/line-1')
    const told = body.items.map(({ action, outcome, detail }: Record<string, string>) => [action, outcome, detail])
    assert.deepEqual(told[1], ['images.changed', 'done', 'registry.example/** put on the image list of group line-1'])
  }))

test.run()
