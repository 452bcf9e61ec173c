// A server and agents as people run them: the skerry command in processes of its own, on free ports and in folders of their own.
import { randomBytes } from 'node:crypto'
import { existsSync } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Api } from './api.js'
import { localCredentials } from './credentials.js'
import { clear, machineEngine } from './docker.js'
import type { End } from './net/cable.js'
import type { Host } from './net/host.js'
import { type Child, run } from './process.js'
import { type Relay, startRelay } from './relay.js'
import { eventually } from './within.js'

export interface DeviceView {
  readonly id: string
  readonly state: string
  readonly reason: string | null
  readonly intervalS: number
  readonly epoch: number
  readonly expectedBy: string | null
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

  constructor(protected readonly host: Host | undefined) {}

  /** The command of this build, on its host. */
  protected launch(args: readonly string[], env: NodeJS.ProcessEnv = {}): Child {
    const all = ['dist/cli/main.js', ...args]
    return this.host === undefined ? run(process.execPath, all, env) : this.host.run([process.execPath, ...all], env)
  }

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
  /** Where the server runs, and its address there: a host that only its lab reaches. */
  readonly at?: End
  /** Where its folder goes; a lab's is removed with the lab. */
  readonly parent?: string
}

/** A server in a process of its own. Keeps its ports over restarts. */
export class Server extends Service {
  mqttPort = 0
  httpPort = 0
  plainPort = 0
  /** Lets any device join. */
  joinToken = ''

  private relay: Relay | undefined

  constructor(
    readonly folder: string,
    private readonly options: FleetOptions,
  ) {
    super(options.at?.host)
  }

  async start(): Promise<void> {
    const { broker, plain = false } = this.options
    const mqtt = broker === undefined ? ['--mqtt-host', this.address, '--mqtt-port', String(this.mqttPort)] : ['--broker', broker]
    const more = plain ? ['--plain-mqtt', `127.0.0.1:${this.plainPort}`] : []
    this.child = this.launch(['server', '--data', this.folder, '--http-port', String(this.httpPort), ...mqtt, ...more])
    if (broker === undefined) this.mqttPort = Number((await this.child.line(/^MQTT at mqtts:\/\/[\d.]+:(\d+)/))[1])
    if (plain) this.plainPort = Number((await this.child.line(/^MQTT at mqtt:\/\/127\.0\.0\.1:(\d+)/))[1])
    this.httpPort = Number((await this.child.line(/^http:\/\/127\.0\.0\.1:(\d+)/))[1])
    await this.openWay()
    await eventually(20_000, 'the server is ready', async () => (await this.api.get('/ready').catch(() => undefined))?.status === 200)
    if (this.joinToken === '') this.joinToken = (await this.api.call<{ token: string }>('POST', '/tokens', { uses: 100 })).body.token
  }

  get api(): Api {
    return new Api(`http://127.0.0.1:${this.relay?.port ?? this.httpPort}`, localCredentials(this.folder))
  }

  get mqttUrl(): string {
    return this.options.broker ?? `mqtts://${this.address}:${this.mqttPort}`
  }

  private get address(): string {
    return this.options.at?.address ?? '127.0.0.1'
  }

  /** Runs a command beside the server, and gives its code and lines when it has ended. */
  async cli(...args: readonly string[]): Promise<{ readonly code: number | null; readonly lines: readonly string[] }> {
    const child = this.launch([...args], { SKERRY_SERVER: `http://127.0.0.1:${this.httpPort}`, SKERRY_DATA: this.folder })
    return { code: await child.ended, lines: child.lines }
  }

  /** From here to the API of a server whose loopback is another one: a socket in the file system is the same for both. */
  private async openWay(): Promise<void> {
    if (this.host === undefined || this.relay !== undefined) return
    const path = `${this.folder}.sock`
    const way = this.host.run(['socat', `UNIX-LISTEN:${path},fork,backlog=200`, `TCP:127.0.0.1:${this.httpPort}`])
    await eventually(20_000, 'the way to the server', () => existsSync(path))
    const relay = await startRelay({ path })
    this.relay = { ...relay, close: () => relay.close().then(() => void way.end('SIGTERM')) }
  }

  async close(): Promise<void> {
    await this.stop().catch(() => this.kill())
    await this.relay?.close()
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
    host?: Host,
  ) {
    super(host)
  }

  /** Joins the first time. */
  start(server: Pick<Server, 'mqttUrl' | 'joinToken'>): void {
    const join = this.joined ? [] : ['join', server.mqttUrl, server.joinToken]
    this.joined = true
    this.child = this.launch(['agent', ...join, '--data', this.folder, '--engine', this.engine, '--name', this.name])
  }

  /** What it has said. */
  get lines(): readonly string[] {
    return this.child?.lines ?? []
  }
}

/** Runs `test` with a server that is up; removes every process, container and folder afterwards. */
export async function withFleet(test: (fleet: Fleet) => Promise<void>, options: FleetOptions = {}): Promise<void> {
  const folder = await mkdtemp(join(options.parent ?? tmpdir(), 'skt-fleet-'))
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

  device(name: string, engine = machineEngine, host?: Host): Device {
    const device = new Device(name, join(this.folder, name), engine, host)
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
    await this.server.close()
    for (const app of this.apps) clear(app)
  }
}
