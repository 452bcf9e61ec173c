// A manager under test, with a stock Aedes on loopback as its broker, and what a user of its API does.
import { EventEmitter } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { type AddressInfo, createServer, type Server, type Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Aedes } from 'aedes'
import { pino } from 'pino'
import { type Manager, type ManagerOptions, startManager } from '../../manager/manager.js'
import { credentials, testHttp } from '../support/credentials.js'
import { eventually } from '../support/within.js'

export const silent = pino({ level: 'silent' })

export interface TestBroker {
  readonly url: string
  readonly port: number
  /** Topics of desired state published by the manager's client, in order; a cleared one has a leading `-`. */
  readonly published: string[]
  /** `desired` with the filter, when the manager no longer asks for retained manifests. */
  readonly unsubscribed: EventEmitter
  stop(): Promise<void>
}

export async function startBroker(port = 0): Promise<TestBroker> {
  const aedes = await Aedes.createBroker()
  const sockets = new Set<Socket>()
  const server: Server = createServer({ noDelay: true }, socket => {
    sockets.add(socket)
    socket.on('close', () => sockets.delete(socket))
    aedes.handle(socket)
  })
  await new Promise<void>(resolve => server.listen(port, '127.0.0.1', resolve))
  const published: string[] = []
  aedes.on('publish', (packet, client) => {
    if (client?.id.startsWith('manager-') && /\/(desired|spec)(\/|$)/.test(packet.topic))
      published.push(packet.payload.length === 0 ? `-${packet.topic}` : packet.topic)
  })
  const unsubscribed = new EventEmitter()
  aedes.on('unsubscribe', (filters, client) => {
    const [filter = ''] = filters
    if (client.id.startsWith('manager-') && filter.endsWith('/desired')) unsubscribed.emit('desired', filter)
  })
  const address = server.address() as AddressInfo
  return {
    url: `mqtt://127.0.0.1:${address.port}`,
    port: address.port,
    published,
    unsubscribed,
    async stop() {
      if (!server.listening) return
      const closed = new Promise(resolve => server.close(resolve))
      for (const socket of sockets) socket.destroy()
      await new Promise<void>(resolve => aedes.close(resolve))
      await closed
    },
  }
}

export async function tempFolder(): Promise<{ path: string; remove(): Promise<void> }> {
  const path = await mkdtemp(join(tmpdir(), 'skerry-manager-'))
  return { path, remove: () => rm(path, { recursive: true, force: true }) }
}

export interface Answer {
  readonly status: number
  // biome-ignore lint/suspicious/noExplicitAny: tests assert on whatever the API answers
  readonly body: any
}

export async function request(manager: { url: string }, method: string, path: string, body?: unknown, headers = {}): Promise<Answer> {
  const text = typeof body === 'string'
  const response = await fetch(`${manager.url}/api/v1${path}`, {
    method,
    headers: {
      ...credentials,
      ...(body === undefined ? {} : { 'content-type': text ? 'application/yaml' : 'application/json' }),
      ...headers,
    },
    ...(body === undefined ? {} : { body: text ? body : JSON.stringify(body) }),
  })
  const answer = await response.text()
  return { status: response.status, body: answer === '' ? undefined : JSON.parse(answer) }
}

/** Waits until the device is in that state. */
export async function deviceIs(manager: { url: string }, id: string, state: string, reason?: string): Promise<Answer['body']> {
  return await eventually(5000, `${id} is ${state} ${reason ?? ''}`, async () => {
    const { body } = await request(manager, 'GET', `/devices/${id}`)
    return body.state === state && (reason === undefined || body.reason === reason) && body
  })
}

export interface SseEvent {
  readonly id: number
  readonly type: string
  readonly device: string | null
  readonly data: Record<string, unknown>
}

/** Reads the event stream; what came is in `events`. */
export async function openEvents(manager: { url: string }, headers: Record<string, string> = {}, query = '') {
  const abort = new AbortController()
  const response = await fetch(`${manager.url}/api/v1/events/stream${query}`, {
    headers: { ...credentials, ...headers },
    signal: abort.signal,
  })
  const events: SseEvent[] = []
  const done = readEvents(response, events).catch(() => {})
  return {
    status: response.status,
    events,
    /** When the server ends it, or this side does. */
    ended: done,
    find: (fits: (event: SseEvent) => boolean) => eventually(5000, 'an event', () => events.find(fits)),
    async close() {
      abort.abort()
      await done
    },
  }
}

async function readEvents(response: Response, events: SseEvent[]): Promise<void> {
  let text = ''
  for await (const chunk of response.body!.pipeThrough(new TextDecoderStream())) {
    const blocks = (text + chunk).split('\n\n')
    text = blocks.pop() ?? ''
    for (const block of blocks) {
      const data = block.split('\n').find(line => line.startsWith('data: '))
      if (data !== undefined) events.push(JSON.parse(data.slice(6)))
    }
  }
}

export interface Site {
  readonly broker: TestBroker
  readonly folder: string
  manager: Manager
  /** Stops the manager and starts another one on the same database. */
  restart(options?: Partial<ManagerOptions>): Promise<void>
  stop(): Promise<void>
}

export async function startSite(options: Partial<ManagerOptions> = {}): Promise<Site> {
  const broker = await startBroker()
  const folder = await tempFolder()
  const start = (more: Partial<ManagerOptions>) =>
    startManager({
      file: join(folder.path, 'manager.db'),
      root: 'skerry',
      broker: { url: broker.url },
      http: testHttp,
      log: silent,
      ...options,
      ...more,
    })
  const site: Site = {
    broker,
    folder: folder.path,
    manager: await start({}),
    async restart(more = {}) {
      await site.manager.stop()
      site.manager = await start(more)
      await connected(site.manager)
    },
    async stop() {
      await site.manager.stop()
      await broker.stop()
      await folder.remove()
    },
  }
  await connected(site.manager)
  return site
}

export async function connected(manager: { url: string }): Promise<void> {
  await eventually(5000, 'the manager is connected', async () => (await request(manager, 'GET', '/ready')).body.ready)
}

export const webApp = (image = 'busybox:local') => `services:\n  web:\n    image: ${image}\n    command: [sleep, infinity]\n`
