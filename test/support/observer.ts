// A client that sees everything below a root and can publish desired state as a manager would.
import mqtt from 'mqtt'
import { type FullHeartbeat, heartbeatCodec, isFull, type ShortHeartbeat } from '../../protocol/messages/heartbeat.js'
import { type Manifest, manifestCodec } from '../../protocol/messages/manifest.js'
import { protocolVersion } from '../../protocol/messages/message.js'
import { type Reported, reportedCodec } from '../../protocol/messages/reported.js'
import { type Status, statusCodec } from '../../protocol/messages/status.js'
import { digestText, packSpec } from '../../protocol/spec.js'
import { everyDevice, formatTopic, type Topic } from '../../protocol/topics.js'
import { manager } from './signing.js'
import { eventually } from './within.js'

export interface Seen {
  readonly statuses: Status[]
  readonly heartbeats: { readonly value: FullHeartbeat; readonly bytes: number }[]
  readonly shorts: ShortHeartbeat[]
  readonly reports: Reported[]
}

export interface Observer {
  readonly seen: Seen
  publish(topic: string, payload: Buffer | string, retain: boolean): Promise<void>
  /** Publishes a spec, and returns the app as manifests name it. */
  spec(name: string, compose: string, revision?: number): Promise<{ name: string; digest: Uint8Array; run: 'running'; revision: number }>
  manifest(target: { device: string } | { group: string } | 'fleet', fields: Partial<Manifest>): Promise<void>
  stop(): Promise<void>
}

const instance = Buffer.from('0011223344556677', 'hex')

/** `ca`: of a broker with TLS. */
export async function observe(url: string, ca?: string): Promise<Observer> {
  const root = 'skerry'
  const client = await mqtt.connectAsync(url, { reconnectPeriod: 50, ...(ca === undefined ? {} : { ca }) })
  const seen: Seen = { statuses: [], heartbeats: [], shorts: [], reports: [] }
  client.on('message', (topic, payload) => note(seen, topic, payload))
  await client.subscribeAsync([`${root}/device/+/+`, everyDevice(root, 'heartbeat')], { qos: 1 })
  let revision = 0
  const publish = async (topic: string, payload: Buffer | string, retain: boolean) => {
    await client.publishAsync(topic, payload, { qos: 1, retain })
  }
  return {
    seen,
    publish,
    spec: async (name, compose, appRevision = 1) => {
      const { digest, payload } = packSpec({ compose })
      await publish(formatTopic(root, { kind: 'spec', digest: digestText(digest) }), Buffer.from(payload), true)
      return { name, digest, run: 'running', revision: appRevision }
    },
    manifest: async (target, fields) => {
      const channel = 'desired'
      const topic: Topic =
        target === 'fleet'
          ? { kind: 'fleet', channel }
          : 'device' in target
            ? { kind: 'device', device: target.device, channel }
            : { kind: 'group', group: target.group, channel }
      const payload = manifestCodec.encode({ version: protocolVersion, instance, revision: ++revision, apps: [], ...fields })
      const name = formatTopic(root, topic)
      await publish(name, manager.sign(name, payload), true)
    },
    stop: () => client.endAsync(true),
  }
}

function note(seen: Seen, topic: string, payload: Buffer): void {
  const status = topic.endsWith('/status') ? statusCodec.decode(payload) : undefined
  if (status?.ok) seen.statuses.push(status.value)
  const heartbeat = topic.split('/')[1] === 'h' ? heartbeatCodec.decode(payload) : undefined
  if (heartbeat?.ok) {
    const { value } = heartbeat
    if (isFull(value)) seen.heartbeats.push({ value, bytes: payload.length })
    else seen.shorts.push(value)
  }
  const report = topic.endsWith('/reported') ? reportedCodec.decode(payload) : undefined
  if (report?.ok) seen.reports.push(report.value)
}

/** Waits until the newest report has this app in this state. */
export function appState(observer: Observer, app: string, state: string): Promise<Reported> {
  return eventually(30_000, `${app} is ${state}`, () => {
    const newest = observer.seen.reports.at(-1)
    return newest?.apps.some(reported => reported.name === app && reported.state === state) ? newest : undefined
  }).catch(error => {
    throw new Error(`${error.message}; last report: ${JSON.stringify(observer.seen.reports.at(-1)?.apps)}`)
  })
}
