// Image lists by tables: which hold, what they permit, what a plan does about an image that turns out to be another one.
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { imageConcern, listsOf, permitImages, withoutPulls } from '../../agent/core/image-lists.js'
import type { Observed } from '../../agent/core/observed.js'
import { plan } from '../../agent/core/plan.js'
import type { Build } from '../../protocol/compose/parts.js'
import type { Manifest } from '../../protocol/messages/manifest.js'
import { container, memory, observed, project, wish } from '../support/project.js'

const test = suite('image lists: core')

const digest = (letter: string) => `sha256:${letter.repeat(64)}`
const manifest = (fields: Partial<Manifest>): Manifest => ({ version: 1, instance: Buffer.alloc(8), revision: 1, apps: [], ...fields })
const fleet = { of: 'the fleet', patterns: ['registry.example/**'] }
const build = { context: '.', args: {}, labels: {}, tags: [] } as unknown as Build

test('those of the fleet, of the device’s groups and of the device hold, and no others', () => {
  const held = {
    fleet: manifest({ images: ['a'] }),
    device: manifest({ images: ['d'], groups: ['two', 'one', 'none'] }),
    groups: new Map([
      ['one', manifest({ images: ['b'] })],
      ['two', manifest({ images: [] })],
      ['none', manifest({})],
      ['left', manifest({ images: ['x'] })],
    ]),
  }
  assert.equal(listsOf(held), [
    { of: 'the fleet', patterns: ['a'] },
    { of: 'group one', patterns: ['b'] },
    { of: 'group two', patterns: [] },
    { of: 'the device', patterns: ['d'] },
  ])
  assert.equal(listsOf({ fleet: undefined, device: undefined, groups: new Map() }), [])
})

test('every image that a project pulls, builds or mounts has to be on the lists', () => {
  const judge = (services: Parameters<typeof project>[0]) => {
    const judged = permitImages([fleet], 'app', project(services))
    return judged.ok ? 'ok' : judged.refusals[0].path
  }
  assert.is(judge({ web: { image: 'registry.example/web:1' } }), 'ok')
  assert.is(judge({ web: { image: 'registry.example/web:1' }, db: { image: 'postgres' } }), 'services.db.image')
  assert.is(judge({ web: { image: 'registry.example/web:1', build } }), 'ok')
  assert.is(
    judge({ web: { image: 'registry.example/web:1', build: { ...build, tags: ['elsewhere.example/web'] } } }),
    'services.web.build.tags',
  )
  const mounted = (source: string) =>
    judge({ web: { image: 'registry.example/web:1', volumes: [{ type: 'image', source, target: '/x', options: [] }] } } as never)
  assert.is(mounted('registry.example/data:1'), 'ok')
  assert.is(mounted('elsewhere.example/data:1'), 'services.web.volumes')
})

test('what is only built or mounted cannot prove a digest, so it has to name it', () => {
  const lists = [{ of: 'the fleet', patterns: [`registry.example/web@${digest('a')}`] }]
  const pulled = permitImages(lists, 'app', project({ web: { image: 'registry.example/web:1' } }))
  assert.ok(pulled.ok)
  assert.equal(pulled.ok && pulled.value, { web: [{ of: 'the fleet', digests: [digest('a')] }] })
  const built = permitImages(lists, 'app', project({ web: { image: 'registry.example/web:1', build } }))
  assert.is(!built.ok && built.refusals[0].code, 'image.denied')
})

const held = (id: string, digests: string[]): Observed['images'] => ({
  'img:1': { id, volumes: [], taggedAt: 0, used: false, digests },
})
const proving = (fields = {}) => ({
  ...wish(project({ web: fields })),
  proofs: { web: [{ of: 'the fleet', digests: [digest('a')] }] },
})

test('a local image that is not the one on the list is pulled once, then refused', () => {
  const seen = observed([], { images: held('i', [digest('b')]) })
  assert.equal(
    plan(proving(), seen, memory(), 0).map(({ kind }) => kind),
    ['pull'],
  )
  const [step] = plan(proving(), seen, memory({ pulled: ['img:1'] }), 0)
  assert.is(step?.kind === 'refuse' && `${step.code} ${step.path}`, 'image.denied services.web.image')
  const [never] = plan(proving({ pullPolicy: 'never' }), seen, memory(), 0)
  assert.is(never?.kind === 'refuse' && never.code, 'image.denied')
})

test('a local image that is the one on the list is used, under whatever name it came', () => {
  const seen = observed([], { images: held('i', [digest('b'), digest('a')]) })
  assert.equal(
    plan(proving(), seen, memory(), 0).map(({ kind }) => kind),
    ['create'],
  )
})

test('a container that runs is left as it is, and told of', () => {
  const seen = observed([container('web', { imageId: 'i' })], { images: held('i', [digest('b')]) })
  assert.equal(plan(proving(), seen, memory(), 0), [])
  assert.match(imageConcern(proving(), seen)?.message ?? '', /is not on the image list of the fleet/)
  assert.is(imageConcern(proving(), observed([container('web', { imageId: 'i' })], { images: held('i', [digest('a')]) })), undefined)
  assert.is(imageConcern(wish(project({ web: {} })), seen), undefined)
})

test('what ran before is had again only from what is here, or from what the lists allow', () => {
  const old = { ...wish(project({ web: { image: 'elsewhere.example/web:1' }, db: { image: 'registry.example/db:1' } })) }
  assert.is(withoutPulls(old, [fleet]), undefined)
  const pinned = {
    ...old,
    images: { web: 'sha256:1' },
    sources: { web: `elsewhere.example/web@${digest('a')}`, db: `registry.example/db@${digest('b')}` },
  }
  assert.equal(withoutPulls(pinned, [fleet])?.sources, { db: `registry.example/db@${digest('b')}` })
  assert.equal(withoutPulls(pinned, [])?.sources, pinned.sources)
  const byTag = [{ of: 'the fleet', patterns: ['elsewhere.example/web:1', 'registry.example/**'] }]
  assert.equal(withoutPulls(pinned, byTag)?.sources, pinned.sources)
})

test.run()
