// A simulated device: what an agent says on the wire, without an engine behind it.
import type { IPublishPacket, Packet } from 'mqtt-packet'
import { decodeSign1 } from '../../protocol/cose.js'
import { heartbeatCodec, packStates } from '../../protocol/messages/heartbeat.js'
import { manifestCodec } from '../../protocol/messages/manifest.js'
import { protocolVersion } from '../../protocol/messages/message.js'
import { statusCodec } from '../../protocol/messages/status.js'
import { digestText } from '../../protocol/spec.js'
import { clientIdOf, type DeviceChannel, defaultRoot, formatTopic, parseTopic } from '../../protocol/topics.js'
import { RawClient } from './raw.js'

const states = packStates(['running', 'running', 'running'])

export class SimulatedDevice {
  private sequence = 0
  /** Called with the topic of each manifest and spec. */
  onDesired: (kind: 'manifest' | 'spec') => void = () => {}
  private readonly groups = new Set<string>()
  private lastId = 0
  private readonly acknowledged = new Map<number, () => void>()

  private constructor(
    readonly id: string,
    private readonly epoch: number,
    private readonly wire: RawClient,
  ) {
    wire.onPacket = packet => this.take(packet)
  }

  static async connect(port: number, id: string, epoch = 65537): Promise<SimulatedDevice> {
    const will = statusCodec.encode({ version: protocolVersion, epoch, online: false, reason: 'Disconnected' })
    const { client, connack } = await RawClient.connect(port, {
      clientId: clientIdOf(id),
      keepalive: 600,
      will: { topic: topicOf(id, 'status'), payload: will, qos: 1, retain: true },
    })
    if (connack.returnCode !== 0) throw new Error(`${id} was refused: ${connack.returnCode}`)
    return new SimulatedDevice(id, epoch, client)
  }

  async birth(intervalS = 300): Promise<void> {
    const facts = {
      name: this.id,
      addresses: ['127.0.0.1'],
      os: 'simulated',
      architecture: 'amd64',
      processor: 'none',
      cores: 1,
      memoryMiB: 256,
      engineVersion: '20.10.24',
      agentVersion: '0.0.0',
    }
    const payload = statusCodec.encode({ version: protocolVersion, epoch: this.epoch, online: true, facts, intervalS, engine: true })
    await this.ask(messageId => ({ ...message(topicOf(this.id, 'status'), payload), qos: 1, retain: true, messageId }))
  }

  beat(intervalS = 300): void {
    this.sequence++
    const payload = heartbeatCodec.encode({
      version: protocolVersion,
      epoch: this.epoch,
      sequence: this.sequence,
      intervalS,
      flags: 1,
      uptimeS: 1000 + this.sequence,
      cpuPermille: this.sequence % 1000,
      memoryUsedMiB: 120,
      diskUsedPermille: 431,
      loadCentis: 57,
      temperatureDeci: null,
      revision: 0,
      reported: 0,
      states,
    })
    this.wire.send(message(topicOf(this.id, 'heartbeat'), payload))
  }

  /** Subscribes as an agent does, and from then on follows its manifests to groups and specs. */
  follow(): Promise<void> {
    return this.subscribe([topicOf(this.id, 'desired')])
  }

  private subscribe(topics: readonly string[]): Promise<void> {
    return this.ask(messageId => ({ cmd: 'subscribe', messageId, subscriptions: topics.map(topic => ({ topic, qos: 1 })) }))
  }

  /** Sends a packet with a message id of its own and waits for its acknowledgement. */
  private ask(packet: (messageId: number) => Packet): Promise<void> {
    this.lastId = (this.lastId % 0xffff) + 1
    const messageId = this.lastId
    return new Promise((resolve, reject) => {
      this.acknowledged.set(messageId, resolve)
      void this.wire.closed.then(() => reject(new Error(`${this.id} was cut`)))
      this.wire.send(packet(messageId))
    })
  }

  private take(packet: Packet): void {
    if (packet.cmd === 'publish') {
      if (packet.qos === 1) this.wire.send({ cmd: 'puback', messageId: packet.messageId ?? 0 })
      this.receive(packet.topic, packet.payload as Buffer)
    } else if (packet.cmd === 'puback' || packet.cmd === 'suback') {
      const messageId = packet.messageId ?? 0
      this.acknowledged.get(messageId)?.()
      this.acknowledged.delete(messageId)
    }
  }

  private receive(name: string, payload: Buffer): void {
    const topic = parseTopic(defaultRoot, name)
    if (topic?.kind === 'spec') {
      this.onDesired('spec')
      return
    }
    const manifest = manifestCodec.decode(decodeSign1(payload)?.payload ?? new Uint8Array())
    if (!manifest.ok) return
    this.onDesired('manifest')
    const groups = (manifest.value.groups ?? []).filter(group => !this.groups.has(group))
    for (const group of groups) this.groups.add(group)
    const filters = [
      ...groups.map(group => formatTopic(defaultRoot, { kind: 'group', group, channel: 'desired' })),
      ...manifest.value.apps.map(app => formatTopic(defaultRoot, { kind: 'spec', digest: digestText(app.digest) })),
    ]
    if (filters.length > 0) this.subscribe(filters).catch(() => {})
  }
}

function message(topic: string, payload: Buffer): IPublishPacket {
  return { cmd: 'publish', topic, payload, qos: 0, retain: false, dup: false }
}

function topicOf(device: string, channel: DeviceChannel): string {
  return formatTopic(defaultRoot, { kind: 'device', device, channel })
}
