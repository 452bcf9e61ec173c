// time limit: 240 s
// Image lists at the device, with a real Engine and a registry: what they deny is not pulled, and what runs runs on.
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import type { Fault } from '../../protocol/messages/message.js'
import { AgentWorld } from '../support/agents.js'
import { containersOf, docker } from '../support/docker.js'
import { quick, TriedApp } from '../support/failings.js'
import { type Registry, startRegistry } from '../support/registry.js'
import { eventually } from '../support/within.js'

interface Context {
  world: AgentWorld
  registry: Registry
  app: TriedApp
  /** Images that the Engine got here. */
  images: string[]
}

const lists = suite<Context>('image lists')

/** The agent removes what it no longer needs, so an image may be gone already. */
function discard(image: string): void {
  try {
    docker('rmi', '-f', image)
  } catch {
    return
  }
}

lists.before.each(async context => {
  context.app = new TriedApp(`audit-lists-${process.pid}`)
  context.registry = await startRegistry()
  context.world = await AgentWorld.open()
  context.images = []
  await context.world.start()
})
lists.after.each(async ({ world, registry, app, images }) => {
  await world.close()
  app.clear()
  images.forEach(discard)
  await registry.close()
})

const compose = (image: string, more = '') => `services: { web: { image: "${image}", stop_signal: SIGKILL, restart: always, ${more} } }`

/** The group's app and list; the fleet's list. */
async function desire(
  { world, app }: Context,
  revision: number,
  { image, more, group, fleet }: { image: string; more?: string; group?: readonly string[]; fleet?: readonly string[] },
): Promise<void> {
  const { observer, agent } = world
  const wanted = await observer.spec(app.name, compose(image, more), revision)
  await observer.manifest('fleet', fleet === undefined ? {} : { images: fleet })
  await observer.manifest({ group: 'line-1' }, { apps: [{ ...wanted, policy: quick }], ...(group === undefined ? {} : { images: group }) })
  await observer.manifest({ device: agent!.id }, { groups: ['line-1'], fleet: true })
}

const push = async (context: Context, name: string, tag: string, salt: string) => {
  const image = await context.registry.push(name, tag, `${salt} ${process.pid}`, { command: ['sleep', '3600'] })
  if (!context.images.includes(image)) context.images.push(image)
  return image
}

const newest = ({ world }: Context) => world.observer.seen.reports.at(-1)
const askedFor = ({ registry }: Context, name: string) => registry.requests.filter(({ path }) => path.includes(name))

/** Waits until the app's fault, or one of the device's, is this one. */
const faultIs = (context: Context, of: 'app' | 'device', message: RegExp): Promise<Fault> =>
  eventually(30_000, `${of}: ${message}`, () => {
    const faults = of === 'app' ? [context.app.reported(context.world)?.fault] : (newest(context)?.faults ?? [])
    return faults.find(fault => fault?.code === 'image.denied' && message.test(fault.message))
  })

const runs = ({ app }: Context, id: string) => containersOf(app.name).web === id && app.runs()

lists('an image that a list denies is not even asked for, and what ran before runs on', async context => {
  const { app, world, registry } = context
  const first = await push(context, 'audit/good', '1', 'one')
  const denied = await push(context, 'audit/bad', '1', 'two')
  await desire(context, 1, { image: first, fleet: [`${registry.host}/audit/*`] })
  await app.proved(world, 1)
  const { web } = containersOf(app.name)
  await desire(context, 2, { image: denied, fleet: [`${registry.host}/audit/*`], group: [`${registry.host}/audit/good`] })
  const fault = await faultIs(context, 'app', /audit\/bad:1 is not on the image list of group line-1/)
  assert.is(fault.path, 'services.web.image')
  await eventually(30_000, 'the report of what runs on', () => {
    const { state, revision, failedRevision } = app.reported(world) ?? {}
    return state === 'failed' && revision === 1 && failedRevision === 2
  })
  assert.ok(runs(context, web!))
  assert.equal(askedFor(context, 'audit/bad'), [])
})

lists('of a first deploy that a list denies nothing is made', async context => {
  const { app, registry } = context
  const denied = await push(context, 'audit/bad', '1', 'two')
  await desire(context, 1, { image: denied, fleet: [`${registry.host}/audit/good`] })
  await faultIs(context, 'app', /audit\/bad:1 is not on the image list of the fleet/)
  assert.equal(containersOf(app.name), {})
  assert.equal(askedFor(context, 'audit/bad'), [])
  await desire(context, 1, { image: denied })
  await app.proved(context.world, 1)
})

lists('a tag that turns out to be another image than the list names is not run, until the list names it', async context => {
  const { app, world, registry } = context
  const first = await push(context, 'audit/app', '1', 'one')
  const pinned = [`${first}@${registry.digest('audit/app', '1')}`]
  await desire(context, 1, { image: first, fleet: pinned })
  await app.proved(world, 1)
  const { web } = containersOf(app.name)
  const before = docker('inspect', '-f', '{{.Image}}', web!)
  await push(context, 'audit/app', '1', 'two')
  await desire(context, 2, { image: first, more: 'pull_policy: always, command: [sleep, "3601"]', fleet: pinned })
  await faultIs(
    context,
    'app',
    new RegExp(`audit/app:1 is ${registry.digest('audit/app', '1')}, which is not on the image list of the fleet`),
  )
  assert.ok(runs(context, web!))
  assert.is(docker('inspect', '-f', '{{.Image}}', web!), before)
  const both = [...pinned, `${first}@${registry.digest('audit/app', '1')}`]
  await desire(context, 2, { image: first, more: 'pull_policy: always, command: [sleep, "3601"]', fleet: both })
  await app.proved(world, 2)
  assert.is.not(docker('inspect', '-f', '{{.Image}}', containersOf(app.name).web!), before)
  context.images.push(before)
})

lists(
  'what runs when a list begins to deny it runs on, and is reported; its container is made again only from what is here',
  async context => {
    const { app, world, registry } = context
    const image = await push(context, 'audit/app', '1', 'one')
    await desire(context, 1, { image })
    await app.proved(world, 1)
    const { web } = containersOf(app.name)
    await desire(context, 1, { image, fleet: [`${registry.host}/audit/other`] })
    const fault = await faultIs(context, 'device', /runs on: image .*audit\/app:1 is not on the image list of the fleet/)
    assert.is(fault.path, `apps.${app.name}.services.web.image`)
    await eventually(30_000, 'it is reported as running', () => app.reported(world)?.state === 'running')
    assert.ok(runs(context, web!))
    const asked = askedFor(context, 'audit/app').length
    docker('rm', '-f', web!)
    await eventually(20_000, 'another container', () => (containersOf(app.name).web ?? web) !== web && app.runs())
    assert.is(askedFor(context, 'audit/app').length, asked)
    await desire(context, 1, { image })
    await eventually(20_000, 'the fault is gone', () => newest(context)?.faults === undefined)
  },
)

lists('a revision that fails gives way to the last good one, though a list denies that by now', async context => {
  const { app, world, registry } = context
  const [first, second] = [await push(context, 'audit/old', '1', 'one'), await push(context, 'audit/new', '1', 'two')]
  await desire(context, 1, { image: first })
  await app.proved(world, 1)
  const asked = askedFor(context, 'audit/old').length
  await desire(context, 2, { image: second, more: 'command: [sh, -c, "exit 3"]', group: [`${registry.host}/audit/new`] })
  await eventually(60_000, 'it has gone back', () => {
    const reported = app.reported(world)
    return reported?.state === 'rolled-back' && reported.failedRevision === 2 && reported.fault?.code !== 'image.denied'
  })
  await eventually(20_000, 'the old one runs', () => app.runs())
  assert.is(askedFor(context, 'audit/old').length, asked)
})

lists.run()
