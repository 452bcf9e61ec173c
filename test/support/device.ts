// A device as the manager sees it: a plain MQTT client that speaks the protocol, with no agent behind it.
import mqtt, { type MqttClient } from 'mqtt'
import type { Credentials } from '../../agent/identity/identity.js'
import { type FullHeartbeat, heartbeatCodec } from '../../protocol/messages/heartbeat.js'
import { type Manifest, manifestCodec } from '../../protocol/messages/manifest.js'
import { protocolVersion } from '../../protocol/messages/message.js'
import { type Reported, reportedCodec } from '../../protocol/messages/reported.js'
import { type Request, type Response, requestCodec, responseCodec } from '../../protocol/messages/request.js'
import { type Facts, type OfflineReason, type Status, statusCodec } from '../../protocol/messages/status.js'
import { noTraffic, type Traffic, usageCodec } from '../../protocol/messages/usage.js'
import { clientIdOf, type DeviceChannel, formatTopic, parseTopic, requestsTo } from '../../protocol/topics.js'
import { contentsOf } from './signing.js'
import { eventually } from './within.js'

export interface FakeDeviceOptions {
  readonly url: string
  readonly id: string
  readonly epoch?: number
  readonly root?: string
  /** What it has from its fleet; without it the broker has to let everybody in. */
  readonly credentials?: Credentials
}

export const someFacts: Facts = {
  name: 'press',
  addresses: ['10.1.4.7'],
  os: 'Debian GNU/Linux 12 (bookworm)',
  architecture: 'arm64',
  processor: 'Cortex-A72',
  cores: 4,
  memoryMiB: 3792,
  engineVersion: '20.10.24',
  agentVersion: '0.1.0',
}

export class FakeDevice {
  readonly id: string
  readonly epoch: number
  readonly client: MqttClient
  /** Payloads of its own manifests, as they came. */
  readonly manifests: Manifest[] = []
  /** What it was asked, as it came. */
  readonly asked: (Request & { readonly rid: string })[] = []
  readonly #root: string
  #sequence = 0

  private constructor(client: MqttClient, { id, epoch = 65_537, root = 'skerry' }: FakeDeviceOptions) {
    this.client = client
    this.id = id
    this.epoch = epoch
    this.#root = root
    client.on('message', (topic, payload) => {
      const manifest = manifestCodec.decode(contentsOf(payload))
      if (topic === this.topic('desired') && manifest.ok) this.manifests.push(manifest.value)
      const parsed = parseTopic(root, topic)
      const request = requestCodec.decode(contentsOf(payload))
      if (parsed?.kind === 'request' && request.ok) this.asked.push({ ...request.value, rid: parsed.rid })
    })
  }

  /** Connects with its will, subscribes to its own manifest; no birth yet. */
  static async connect(options: FakeDeviceOptions): Promise<FakeDevice> {
    const { url, id, epoch = 65_537, root = 'skerry', credentials } = options
    const will: Status = { version: protocolVersion, epoch, online: false, reason: 'Disconnected' }
    const topic = formatTopic(root, { kind: 'device', device: id, channel: 'status' })
    const client = await mqtt.connectAsync(url, {
      ...credentials,
      clientId: clientIdOf(id),
      reconnectPeriod: 0,
      will: { topic, payload: statusCodec.encode(will), qos: 1, retain: true },
    })
    client.on('error', () => {})
    const device = new FakeDevice(client, options)
    await client.subscribeAsync([device.topic('desired'), requestsTo(root, id)], { qos: 1 })
    return device
  }

  /** Connects and announces itself. */
  static async online(options: FakeDeviceOptions & { readonly facts?: Facts; readonly intervalS?: number }): Promise<FakeDevice> {
    const device = await FakeDevice.connect(options)
    const { facts = { ...someFacts, name: options.id }, intervalS = 10 } = options
    await device.birth({ facts, intervalS })
    return device
  }

  topic(channel: DeviceChannel): string {
    return formatTopic(this.#root, { kind: 'device', device: this.id, channel })
  }

  async birth(status: Partial<Status> = {}): Promise<void> {
    const birth: Status = {
      version: protocolVersion,
      epoch: this.epoch,
      online: true,
      facts: someFacts,
      intervalS: 10,
      engine: true,
      ...status,
    }
    await this.client.publishAsync(this.topic('status'), statusCodec.encode(birth), { qos: 1, retain: true })
  }

  async end(reason: OfflineReason, epoch = this.epoch): Promise<void> {
    const payload = statusCodec.encode({ version: protocolVersion, epoch, online: false, reason })
    await this.client.publishAsync(this.topic('status'), payload, { qos: 1, retain: true })
  }

  async beat(heartbeat: Partial<FullHeartbeat> = {}): Promise<void> {
    const payload = heartbeatCodec.encode({
      version: protocolVersion,
      epoch: this.epoch,
      sequence: this.#sequence++,
      intervalS: 10,
      flags: 1,
      uptimeS: 60,
      cpuPermille: 125,
      memoryUsedMiB: 812,
      diskUsedPermille: 431,
      loadCentis: 57,
      temperatureDeci: null,
      revision: 0,
      reported: 0,
      states: new Uint8Array(),
      ...heartbeat,
    })
    await this.client.publishAsync(this.topic('heartbeat'), payload, { qos: 0 })
  }

  /** A short heartbeat. */
  async pulse(): Promise<void> {
    const payload = heartbeatCodec.encode({ version: protocolVersion, epoch: this.epoch })
    await this.client.publishAsync(this.topic('heartbeat'), payload, { qos: 0 })
  }

  async report(reported: Partial<Reported> = {}): Promise<void> {
    const report: Reported = { version: protocolVersion, sequence: 1, revision: 0, groups: [], apps: [], ...reported }
    await this.client.publishAsync(this.topic('reported'), reportedCodec.encode(report), { qos: 1, retain: true })
  }

  /** What its connection has cost, in all; what is not given is 0. */
  async account(traffic: Partial<Traffic>, count = 1): Promise<void> {
    const payload = usageCodec.encode({ version: protocolVersion, count, ...noTraffic, ...traffic })
    await this.client.publishAsync(this.topic('usage'), payload, { qos: 1 })
  }

  /** The first request of this kind, past or to come, that fits. */
  async request(kind: Request['kind'], fits: (request: Request & { rid: string }) => boolean = () => true) {
    return await eventually(5000, `a request for ${kind}`, () => this.asked.find(request => request.kind === kind && fits(request)))
  }

  async respond(rid: string, part: number, fields: Omit<Response, 'version' | 'part'> = {}): Promise<void> {
    const topic = formatTopic(this.#root, { kind: 'response', device: this.id, rid })
    await this.client.publishAsync(topic, responseCodec.encode({ version: protocolVersion, part, ...fields }), { qos: 1 })
  }

  /** Its newest manifest, once it is at or above `revision`, or fits. */
  async manifest(fits: (manifest: Manifest) => boolean): Promise<Manifest> {
    return await eventually(5000, `a fitting manifest at ${this.id}`, () => this.manifests.findLast(fits))
  }

  /** Gone without a word: the broker publishes its will. */
  die(): void {
    this.client.stream.destroy()
    this.client.end(true)
  }

  async leave(): Promise<void> {
    await this.client.endAsync()
  }
}
