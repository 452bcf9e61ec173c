// The Engine port against the real Docker Engine: what it sees, what it calls errors, and that it tells of changes.
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { createBody } from '../../agent/core/engine-config.js'
import type { Connection } from '../../agent/core/step.js'
import { connectEngine } from '../../agent/docker.js'
import { ensureTestImage, testImage } from '../support/busybox.js'
import { clear, containersOf, docker } from '../support/docker.js'
import { project, service, wish } from '../support/project.js'
import { eventually, within } from '../support/within.js'

const app = `skt-engine-${process.pid}`
const engine = connectEngine('unix:///var/run/docker.sock')
const query = { app, images: [testImage], volumes: [], networks: [] }

const body = (fields: Parameters<typeof service>[0] = {}) => {
  const spec = service({ image: testImage, networkMode: 'none', stopSignal: 'SIGKILL', ...fields })
  const context = {
    ...wish(project({ web: spec })),
    owner: { app, device: 'dev-of-test' },
    name: 'web',
    hash: 'h',
    image: undefined,
    parents: {},
    number: 1,
    pinned: undefined,
    api: 41,
    carried: [],
  }
  return createBody(spec, context).body
}
const create = (name: string, of = body(), connect: readonly Connection[] = []) =>
  engine.createContainer({ service: 'web', name: `${app}-${name}`, body: of, connect })
const codeOf = async (call: Promise<unknown>) => {
  try {
    await call
  } catch (error) {
    return (error as { code: string }).code
  }
  return undefined
}

const engines = suite('engine')
engines.before(() => void ensureTestImage())
engines.after.each(() => clear(app))

engines('a context that is not there is no Engine that is not there', async () => {
  const build = { context: './none', dockerfileInline: 'FROM scratch', args: {}, labels: {}, extraHosts: [], cacheFrom: [], tags: [] }
  const refused = engine.build({ image: app, services: ['web'], build, folder: '/none', isConfined: true }, new AbortController().signal)
  const error = await refused.catch((reason: { code: string; message: string }) => reason)
  assert.is(error?.code, 'image.unavailable')
  assert.match(error?.message ?? '', /cannot be built: its context cannot be read: .*none/)
})

engines('a container is seen as it was made, and through its life', async () => {
  await create('web-1', body({ restart: { policy: 'always' } }))
  const [made] = (await engine.observe(query)).containers
  assert.equal([made?.name, made?.service, made?.hash, made?.state, made?.finishedAt], [`${app}-web-1`, 'web', 'h', 'created', 0])
  const id = made?.id ?? ''
  await engine.startContainer(id)
  await engine.startContainer(id)
  assert.is((await engine.observe(query)).containers[0]?.state, 'running')
  await engine.stopContainer(id)
  await engine.stopContainer(id)
  const [ended] = (await engine.observe(query)).containers
  assert.equal([ended?.state, ended?.exitCode], ['exited', 137])
  assert.ok((ended?.finishedAt ?? 0) > (ended?.createdAt ?? 0))
  await engine.renameContainer(id, `${app}-other`)
  assert.is((await engine.observe(query)).containers[0]?.name, `${app}-other`)
  assert.ok((await engine.apps('dev-of-test')).includes(app))
  await engine.removeContainer(id, false)
  await engine.removeContainer(id, false)
  assert.equal((await engine.observe(query)).containers, [])
})

engines('images are seen by reference, those that are not here are absent', async () => {
  const { images } = await engine.observe({ ...query, images: [testImage, 'none-such:1'] })
  assert.equal(Object.keys(images), [testImage])
  assert.match(images[testImage]?.id ?? '', /^sha256:/)
})

engines('errors have codes', async () => {
  assert.is(await codeOf(create('x', { ...body(), Image: 'none-such:1' })), 'image.unavailable')
  await create('web-1', body())
  assert.is(await codeOf(create('web-1', body())), 'name.in-use')
  assert.is(await codeOf(create('y', body({ command: ['x'], resources: { memoryBytes: 1 } }))), 'engine.refused')
  const progress: string[] = []
  assert.is(
    await codeOf(
      engine.pull({ image: '127.0.0.1:1/none:1', services: [] }, ({ status }) => progress.push(status), new AbortController().signal),
    ),
    'image.unavailable',
  )
  assert.is(await codeOf(connectEngine('/none.sock').version()), 'engine.unavailable')
  assert.is(await codeOf(connectEngine('tcp://127.0.0.1:1').version()), 'engine.unavailable')
})

engines('a container whose further networks cannot be joined is not left behind', async () => {
  const connect = [{ network: 'host', endpoint: { IPAMConfig: { IPv4Address: 'no address' } } }]
  const code = await codeOf(create('web-1', body({ networkMode: 'bridge' }), connect))
  assert.is(code, 'engine.refused')
  assert.equal(containersOf(app), {})
})

engines('changes of our containers are told, those of others are not, and the stream ends when asked', async () => {
  const abort = new AbortController()
  const told: string[] = []
  let open = () => {}
  const opened = new Promise<void>(resolve => {
    open = resolve
  })
  const watching = engine.watch(open, name => told.push(name), abort.signal)
  await within(5_000, 'the stream opens', opened)
  const stranger = `skt-stranger-${process.pid}`
  const other = docker('create', '--network', 'none', '--label', `com.docker.compose.project=${stranger}`, testImage)
  docker('rm', other)
  await create('web-1', body())
  await eventually(5_000, 'the event', () => told.includes(app))
  abort.abort()
  await within(5_000, 'the stream ends', watching)
  assert.not.ok(told.includes(stranger))
})

engines.run()
