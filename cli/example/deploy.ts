// Deploys the example over the HTTP API, as any user could: a group, this device in it, the app on it.
import { createServer } from 'node:net'
import { setTimeout as delay } from 'node:timers/promises'
import { SkerryError } from '../../protocol/errors.js'
import type { App, Deployed } from '../api/apps.js'
import type { Device } from '../api/devices.js'
import type { Group } from '../api/groups.js'
import { type Client, pathOf } from '../client.js'
import { asSkerryError } from '../errors.js'
import { type EventFeed, followEvents, waitForRollout } from '../wait.js'
import { composeExample, type ExampleImage } from './compose.js'

const group = 'demo'
const groupPath = pathOf('groups', group)
const managerLimitMs = 10_000
const registerLimitMs = 60_000
const rolloutLimitMs = 180_000
const firstPort = 8088

export interface ExampleOptions {
  readonly client: Client
  /** The app's name. */
  readonly name: string
  /** This machine's device id. */
  readonly device: string
  /** Called only if the app is not there yet. */
  readonly image: () => Promise<ExampleImage>
  readonly say: (line: string) => void
  readonly signal: AbortSignal
}

export interface ExampleState {
  readonly device: Device
  readonly app: App
}

/** Changes nothing that is there already. Throws what `waitForRollout` throws if the app does not come up. */
export async function deployExample({ client, name, device, image, say, signal }: ExampleOptions): Promise<ExampleState> {
  const appPath = `${groupPath}${pathOf('apps', name)}`
  const feed = await followEvents(client, signal)
  try {
    const registered = await waitForDevice(client, device, feed, signal)
    say(`device ${registered.name} (${device}) is registered`)
    await joinGroup(client, device, say)
    const before = await find<App>(client, appPath)
    const { revision, changed } =
      before === undefined
        ? await deploy({ client, path: appPath, image: await image(), say })
        : { revision: before.revision, changed: false }
    if (before?.run !== 'stopped') {
      const timeoutMs = rolloutLimitMs
      await waitForRollout({ client, path: appPath, only: device, feed, revision, before, changed, timeoutMs, onChange: say, signal })
    }
    return { device: await client.request('GET', pathOf('devices', device)), app: await client.request('GET', appPath) }
  } finally {
    feed.stop()
  }
}

/** Waits until the manager hears its broker: what an agent says before that comes late, as retained. */
export async function waitForManager(client: Client, signal: AbortSignal): Promise<void> {
  for (const end = performance.now() + managerLimitMs; performance.now() < end && !signal.aborted; ) {
    const ready = await client.request('GET', '/ready', { signal }).then(
      () => true,
      () => false,
    )
    if (ready) return
    await delay(20, undefined, { signal }).catch(() => undefined)
  }
}

/** Waits until the manager has heard of the device and it is Ready. */
async function waitForDevice(client: Client, device: string, feed: EventFeed, signal: AbortSignal): Promise<Device> {
  for (const end = performance.now() + registerLimitMs; performance.now() < end; ) {
    const found = await find<Device>(client, pathOf('devices', device))
    if (found?.state === 'Ready') return found
    feed.take()
    await feed.next(500)
    signal.throwIfAborted()
  }
  throw new SkerryError('wait.timeout', `this machine’s device ${device} is not Ready after ${registerLimitMs / 1000} s`)
}

async function joinGroup(client: Client, device: string, say: (line: string) => void): Promise<void> {
  const found = await find<Group>(client, groupPath)
  if (found?.devices.some(each => each.id === device)) return
  if (found === undefined) await client.request('POST', '/groups', { body: { name: group, devices: [device] } })
  else await client.request('POST', `${groupPath}/join`, { body: { devices: [device] } })
  say(`group ${group}: this device is in it`)
}

interface Deployment {
  readonly client: Client
  readonly path: string
  readonly image: ExampleImage
  readonly say: (line: string) => void
}

async function deploy({ client, path, image, say }: Deployment): Promise<Deployed> {
  const body = composeExample(image, await findFreePort(firstPort))
  const app = await client.request<Deployed>('PUT', path, { body, type: 'application/yaml' })
  say(`app ${app.name} deployed to group ${group}, revision ${app.revision}`)
  return app
}

async function find<T>(client: Client, path: string): Promise<T | undefined> {
  return client.request<T>('GET', path).catch((error: unknown) => {
    if (asSkerryError(error).kind === 'not-found') return undefined
    throw error
  })
}

/** The first port from `first` on that nothing listens on at loopback. */
async function findFreePort(first: number): Promise<number> {
  for (let port = first; port < first + 1000; port++) if (await isFree(port)) return port
  throw new SkerryError('port.in-use', `no port from ${first} to ${first + 999} is free`)
}

function isFree(port: number): Promise<boolean> {
  return new Promise(resolve => {
    const server = createServer()
    server.once('error', () => resolve(false))
    server.listen(port, '127.0.0.1', () => server.close(() => resolve(true)))
  })
}

/** Where the app's first published port is reached from this machine. */
export function urlOfApp(app: App, device: string): string | undefined {
  const services = app.devices.find(each => each.device === device)?.services ?? []
  const port = services.flatMap(service => service.ports ?? []).map(text => /:(\d+)->/.exec(text)?.[1])[0]
  return port === undefined ? undefined : `http://127.0.0.1:${port}`
}
