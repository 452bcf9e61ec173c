// Changes of the signing key under a fleet: nobody drops out, who slept catches up, and a database from before is refused until devices have joined again.
import { copyFileSync, existsSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import mqtt from 'mqtt'
import { pino } from 'pino'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { type Agent, startAgent } from '../../agent/agent.js'
import { Embedded } from '../support/embedded.js'
import { HeldKeys } from '../support/signing.js'
import { eventually } from '../support/within.js'

/** A device without an Engine: it holds and reports what it is told, and runs nothing. */
class Sleeper {
  readonly folder = mkdtempSync(join(tmpdir(), 'skerry-keys-'))
  agent: Agent | undefined
  id = ''

  constructor(
    readonly site: Embedded,
    readonly keys: HeldKeys,
  ) {}

  async wake(): Promise<void> {
    this.agent = await startAgent({
      folder: this.folder,
      root: 'skerry',
      broker: { url: this.site.url },
      keys: this.keys,
      engine: join(this.folder, 'no.sock'),
      retries: { firstMs: 50, maxMs: 200 },
      log: pino({ level: 'silent' }),
    })
    this.id = this.agent.id
  }

  async sleep(): Promise<void> {
    await this.agent?.stop()
    this.agent = undefined
  }

  async close(): Promise<void> {
    await this.sleep()
    rmSync(this.folder, { recursive: true, force: true })
  }
}

const keys = suite<{ site: Embedded; devices: Sleeper[] }>('signing keys of a fleet')

keys.before.each(async context => {
  context.site = await Embedded.start()
  context.devices = Array.from({ length: 3 }, () => new Sleeper(context.site, new HeldKeys(...context.site.manager.signingKeys())))
  for (const device of context.devices) await device.wake()
  for (const { id } of context.devices) await eventually(10_000, id, () => context.site.api('GET', `/devices/${id}`).catch(() => undefined))
  await context.site.api('POST', '/groups', { name: 'line-1', devices: context.devices.map(({ id }) => id) })
  await allHold(context)
})
keys.after.each(async ({ site, devices }) => {
  for (const device of devices) await device.close()
  await site.stop()
})

type Context = { readonly site: Embedded; readonly devices: readonly Sleeper[] }

async function allHold({ site, devices }: Context): Promise<void> {
  for (const { id } of devices)
    await eventually(20_000, `${id} holds what is desired`, async () => {
      const { revision } = await site.api('GET', `/devices/${id}`)
      return revision.desired > 0 && revision.held === revision.desired
    })
}

/** Something new is desired of all. */
async function change({ site, devices }: Context, intervalS: number): Promise<void> {
  for (const { id } of devices) await site.api('PATCH', `/devices/${id}`, { intervalS })
}

const counts = async ({ site }: Context): Promise<number[]> =>
  (await site.api('GET', '/keys')).items.map(({ devices }: { devices: number }) => devices)

const faults = async ({ site }: Context): Promise<string[]> =>
  (await site.api('GET', '/events?type=device.changed&limit=1000')).items.flatMap(
    (event: { data: { fault?: { code: string; path: string } } }) =>
      event.data.fault === undefined ? [] : `${event.data.fault.code} ${event.data.fault.path}`,
  )

keys('devices follow a new key at once, and one that slept through three follows when it wakes; none complains', async context => {
  const { site, devices } = context
  await devices[2]!.sleep()
  for (let n = 0; n < 3; n++) await site.api('POST', '/keys')
  await eventually(20_000, 'two have the newest', async () => (await counts(context))[0] === 2)
  await change(context, 20)
  await allHold({ site, devices: devices.slice(0, 2) })
  const [newest] = site.manager.signingKeys()
  assert.equal(
    devices.map(device => Buffer.compare(device.keys.keys()[0]!, newest!) === 0),
    [true, true, false],
  )
  await devices[2]!.wake()
  await allHold(context)
  assert.equal(
    await eventually(20_000, 'all have it', async () => ((await counts(context))[0] === 3 ? counts(context) : undefined)),
    [3, 0, 0, 0],
  )
  assert.equal(await faults(context), [])
  for (const { id } of devices) assert.is((await site.api('GET', `/devices/${id}`)).reason, 'EngineUnavailable')
})

keys(
  'a database from before a change is refused by its devices, which hold what they hold until they have joined it again',
  async context => {
    const { site, devices } = context
    // What is not yet in the file itself is beside it.
    const copy = (from: string, to: string) => {
      for (const end of ['', '-wal', '-shm']) {
        const [source, target] = [join(site.folder, `${from}${end}`), join(site.folder, `${to}${end}`)]
        rmSync(target, { force: true })
        if (existsSync(source)) copyFileSync(source, target)
      }
    }
    await site.restartManager(async () => copy('manager.db', 'before.db'))
    await site.api('POST', '/keys')
    await change(context, 20)
    await allHold(context)
    const before = await site.api('GET', `/devices/${devices[2]!.id}`)
    await site.restartManager(async () => copy('before.db', 'manager.db'))
    const { revision } = before
    await eventually(
      20_000,
      'the manager knows what they hold',
      async () => (await site.api('GET', `/devices/${devices[2]!.id}`)).revision.desired > revision.held,
    )
    await change(context, 30)
    await eventually(
      20_000,
      'they say so',
      async () => (await faults(context)).filter(fault => fault.startsWith('manifest.foreign')).length >= devices.length,
    )
    for (const device of devices) {
      await device.sleep()
      device.keys.replace(site.manager.signingKeys())
      await device.wake()
    }
    await allHold(context)
    for (const { id } of devices)
      await eventually(20_000, 'it does as it is told', async () => (await site.api('GET', `/devices/${id}`)).intervalS === 30)
  },
)

keys('what a stranger leaves on the broker is refused, told, and put right by the manager', async context => {
  const { site, devices } = context
  const stranger = await mqtt.connectAsync(site.url, { reconnectPeriod: 0 })
  const newest = new Map<string, Buffer>()
  stranger.on('message', (topic, payload) => newest.set(topic, payload))
  await stranger.subscribeAsync(['skerry/+/+/desired', 'skerry/fleet/+'], { qos: 1 })
  const own = `skerry/device/${devices[0]!.id}/desired`
  const manifests = [own, 'skerry/group/line-1/desired']
  const topics = [...manifests, 'skerry/fleet/keys']
  await eventually(10_000, 'what is there', () => manifests.every(topic => newest.has(topic)))
  // There is one key, so nothing is there that leads to it.
  const before = topics.map(topic => newest.get(topic) ?? Buffer.alloc(0))
  for (const topic of topics) await stranger.publishAsync(topic, 'forged', { qos: 1, retain: true })
  await eventually(20_000, 'it is as it was', () => topics.every((topic, n) => newest.get(topic)?.equals(before[n]!)))
  const faultsOf = async (id: string) => (await site.api('GET', `/devices/${id}`)).faults
  for (const { id } of devices) await eventually(20_000, 'no fault stands', async () => (await faultsOf(id)).length === 0)
  const told = topics.map(topic => `manifest.unsigned ${topic.slice('skerry/'.length)}`)
  assert.equal([...new Set(await faults(context))].sort(), told.sort())
  await change(context, 20)
  await allHold(context)
  await stranger.endAsync()
})

keys.run()
