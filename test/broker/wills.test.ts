// Wills that an earlier run of the broker left behind: that of the manager, which ended with it, is said before anybody is let in; all others wait.
import type { IPublishPacket } from 'mqtt-packet'
import { suite } from 'uvu'
import { equal } from 'uvu/assert'
import type { RawClient } from '../../bench/support/raw.js'
import { systemClock } from '../../protocol/clock.js'
import { connectAsManager, enter } from './support/brokers.js'
import { asUser, enterTls, withSecureBroker } from './support/secure.js'

const test = suite('wills of an earlier run')
const alive = 'skerry/state/manager'
const permit = 'skerry/permit/group/line-1'
const status = 'skerry/device/a/status'

/** No time to come back ends. */
const neverLate = { ...systemClock, after: () => () => {} }

const willOf = (topic: string) => ({ will: { topic, payload: Buffer.from('0'), qos: 1 as const, retain: true } })

async function retainedAt(client: RawClient, ...topics: string[]): Promise<string[]> {
  client.send({ cmd: 'subscribe', messageId: 1, subscriptions: topics.map(topic => ({ topic, qos: 0 })) })
  await client.next('suback')
  await client.sync()
  return (client.pending.splice(0) as IPublishPacket[]).map(({ topic, payload }) => `${topic} ${payload}`)
}

test('the first to subscribe hears that the manager is gone, and nothing of clients that may come back', () =>
  withSecureBroker(
    async ({ broker, port, access, device, restart }) => {
      access.addUser('plc', 'operator')
      const manager = connectAsManager(broker, 'manager-1', willOf(alive))
      await manager.publishAsync(alive, '1', { qos: 1, retain: true })
      await enter(broker.addresses[1]!.port, 'plc', { ...asUser('plc'), ...willOf(permit) })
      await enterTls(port, { clientId: 'dev-a', ...willOf(status) }, await device('a'))
      const again = await restart()
      const first = await enter(again.broker.addresses[1]!.port, 'first', asUser('plc'))
      equal(await retainedAt(first, alive, permit, status), [`${alive} 0`])
      manager.end(true)
    },
    { clock: neverLate },
  ))

test.run()
