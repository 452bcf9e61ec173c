// Payloads on every topic that the manager hears, through the broker, with its database behind it.
import { MqttClient } from 'mqtt'
import { statusCodec } from '../../protocol/messages/status.js'
import { someFacts } from '../support/device.js'
import { eventually } from '../support/within.js'
import { makePayload } from './payloads.js'
import type { Random } from './random.js'
import type { Part, Target } from './run.js'
import { FuzzSite } from './site.js'

export const manager: Part = { name: 'manager', cases: 100_000, lanes: 4, open: openManager }

async function openManager(): Promise<Target> {
  const site = await FuzzSite.open()
  const client = new MqttClient(() => site.broker.connectInProcess(), { clientId: 'somebody', reconnectPeriod: 0, protocolVersion: 4 })
  await new Promise(resolve => client.once('connect', resolve))
  const settle = await site.get('/devices')
  if (settle.status !== 200) throw new Error(`the API answers ${settle.status}`)
  return new ManagerTarget(site, client)
}

/** Larger frames end the connection, as the streams see. */
const mostBytes = 1_100_000

class ManagerTarget implements Target {
  #epoch = 65_537

  constructor(
    readonly site: FuzzSite,
    readonly client: MqttClient,
  ) {}

  async run(_number: number, random: Random): Promise<void> {
    const { topic, bytes, retained } = makePayload(random, ({ signed }) => signed === undefined || random.once(4))
    if (/[+#\0]/.test(topic) || bytes.length > mostBytes) return
    await this.client.publishAsync(topic, bytes, { qos: random.once(2) ? 1 : 0, retain: retained && random.once(4) })
    // The manager has its turn before the next case comes.
    await new Promise(resolve => setImmediate(resolve))
  }

  /** A device that behaves is seen to come. */
  async check(): Promise<void> {
    await this.site.check()
    this.#epoch += 65_536
    const birth = statusCodec.encode({
      version: 1,
      epoch: this.#epoch,
      online: true,
      facts: { ...someFacts, name: `w${this.#epoch}` },
      intervalS: 3600,
      engine: true,
    })
    await this.client.publishAsync('skerry/device/witness/status', birth, { qos: 1, retain: true })
    await eventually(20_000, 'a device that has come is Ready', async () => {
      const { name, state } = (await (await this.site.get('/devices/witness')).json()) as { name?: string; state?: string }
      return state === 'Ready' && name === `w${this.#epoch}`
    })
  }

  async close(): Promise<void> {
    this.client.end(true)
    await this.site.close()
  }
}
