// A server and agents as people run them: the skerry command in processes of its own, on free ports and in folders of their own.
import { randomBytes } from 'node:crypto'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Api } from './api.js'
import { localCredentials } from './credentials.js'
import { clear, machineEngine } from './docker.js'
import { type Child, skerry } from './process.js'
import { eventually } from './within.js'

export interface DeviceView {
  readonly id: string
  readonly state: string
  readonly reason: string | null
  readonly intervalS: number
  readonly groups: readonly string[]
  readonly revision: { readonly desired: number; readonly held: number }
  readonly apps: readonly {
    readonly app: string
    readonly group: string | null
    readonly revision: number
    readonly state: string
    readonly fault: { readonly code: string; readonly message: string } | null
    readonly services: readonly { readonly name: string; readonly state: string; readonly container?: string }[]
  }[]
  readonly faults: readonly { readonly code: string; readonly message: string }[]
  readonly held: { readonly by: string; readonly who: string | null } | null
}

class Service {
  protected child: Child | undefined

  async kill(): Promise<void> {
    await this.child?.end('SIGKILL')
    this.child = undefined
  }

  async stop(): Promise<void> {
    await this.child?.end('SIGTERM')
    this.child = undefined
  }
}

export interface FleetOptions {
  /** A listener without TLS too, for clients that have nothing but a password. */
  readonly plain?: boolean
  /** A broker that is there already, and lets everybody do everything. */
  readonly broker?: string
}

/** A server in a process of its own. Keeps its ports over restarts. */
export class Server extends Service {
  mqttPort = 0
  httpPort = 0
  plainPort = 0
  /** Lets any device join. */
  joinToken = ''

  constructor(
    readonly folder: string,
    private readonly options: FleetOptions,
  ) {
    super()
  }

  async start(): Promise<void> {
    const { broker, plain = false } = this.options
    const mqtt = broker === undefined ? ['--mqtt-port', String(this.mqttPort)] : ['--broker', broker]
    const more = plain ? ['--plain-mqtt', `127.0.0.1:${this.plainPort}`] : []
    this.child = skerry(['server', '--data', this.folder, '--http-port', String(this.httpPort), ...mqtt, ...more])
    if (broker === undefined) this.mqttPort = Number((await this.child.line(/^MQTT at mqtts:\/\/127\.0\.0\.1:(\d+)/))[1])
    if (plain) this.plainPort = Number((await this.child.line(/^MQTT at mqtt:\/\/127\.0\.0\.1:(\d+)/))[1])
    this.httpPort = Number((await this.child.line(/^http:\/\/127\.0\.0\.1:(\d+)/))[1])
    await eventually(20_000, 'the server is ready', async () => (await this.api.get('/ready').catch(() => undefined))?.status === 200)
    if (this.joinToken === '') this.joinToken = (await this.api.call<{ token: string }>('POST', '/tokens', { uses: 100 })).body.token
  }

  get api(): Api {
    return new Api(`http://127.0.0.1:${this.httpPort}`, localCredentials(this.folder))
  }

  get mqttUrl(): string {
    return this.options.broker ?? `mqtts://127.0.0.1:${this.mqttPort}`
  }

  /** Makes a user of the whole fleet. What mosquitto's clients need to come in without TLS. */
  async admit(name: string, role: string): Promise<string[]> {
    const password = randomBytes(12).toString('base64url')
    const { status, body } = await this.api.call('POST', '/users', { name, role, password })
    if (status !== 201) throw new Error(`user ${name}: ${status} ${JSON.stringify(body)}`)
    return ['-p', String(this.plainPort), '-u', name, '-P', password]
  }
}

/** An agent in a process of its own. */
export class Device extends Service {
  private joined = false

  constructor(
    readonly name: string,
    readonly folder: string,
    readonly engine: string,
  ) {
    super()
  }

  /** Joins the first time. */
  start(server: Server): void {
    const join = this.joined ? [] : ['join', server.mqttUrl, server.joinToken]
    this.joined = true
    this.child = skerry(['agent', ...join, '--data', this.folder, '--engine', this.engine, '--name', this.name])
  }
}

/** Runs `test` with a server that is up; removes every process, container and folder afterwards. */
export async function withFleet(test: (fleet: Fleet) => Promise<void>, options: FleetOptions = {}): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), 'skt-fleet-'))
  const fleet = new Fleet(folder, options)
  try {
    await fleet.server.start()
    await test(fleet)
  } finally {
    await fleet.end()
    await rm(folder, { recursive: true, force: true })
  }
}

export class Fleet {
  readonly server: Server
  private readonly devices: Device[] = []
  private readonly apps = new Set<string>()
  private readonly children: Child[] = []

  constructor(
    private readonly folder: string,
    options: FleetOptions,
  ) {
    this.server = new Server(join(folder, 'server'), options)
  }

  get api(): Api {
    return this.server.api
  }

  device(name: string, engine = machineEngine): Device {
    const device = new Device(name, join(this.folder, name), engine)
    this.devices.push(device)
    return device
  }

  /** Deploys and asserts that the server took it. The app's containers are removed at the end. */
  async deploy(target: string, app: string, compose: string): Promise<void> {
    this.clean(app)
    const answer = await this.api.call('PUT', `/${target}/apps/${app}`, compose)
    if (answer.status >= 300) throw new Error(`deploy of ${app}: ${answer.status} ${JSON.stringify(answer.body)}`)
  }

  /** Ended with the fleet, whatever becomes of the test. */
  also(child: Child): void {
    this.children.push(child)
  }

  /** The app's containers are removed at the end. */
  clean(app: string): void {
    this.apps.add(app)
  }

  async show(name: string): Promise<DeviceView | undefined> {
    const answer = await this.api.get<DeviceView>(`/devices/${name}`).catch(() => undefined)
    return answer?.status === 200 ? answer.body : undefined
  }

  /** The device, as soon as the API shows it so. */
  async shown(name: string, what: string, is: (device: DeviceView) => boolean, limitMs = 40_000): Promise<DeviceView> {
    let last: DeviceView | undefined
    try {
      return await eventually(limitMs, `${name} ${what}`, async () => {
        last = await this.show(name)
        return last && is(last) ? last : undefined
      })
    } catch (cause) {
      throw new Error(`${name} never ${what}; last: ${JSON.stringify(last)}`, { cause })
    }
  }

  async end(): Promise<void> {
    await Promise.allSettled([...this.devices.map(device => device.kill()), ...this.children.map(child => child.end('SIGKILL'))])
    await this.server.stop().catch(() => this.server.kill())
    for (const app of this.apps) clear(app)
  }
}
