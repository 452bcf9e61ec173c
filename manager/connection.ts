// The manager at its broker: what it subscribes to, and which part hears what.
import type { Logger } from 'pino'
import { everyCommand, isCommandTopic, isStateTopic, parseSenderTopic } from '../protocol/command-topics.js'
import { everyPermit, isPermitTopic } from '../protocol/permit-topics.js'
import { everyDevice, everyJoinRequest, everyResponse } from '../protocol/topics.js'
import { Values } from './bridge/values.js'
import { type BrokerAddress, Link, type Subscription } from './link.js'
import type { Parts } from './parts.js'
import type { Arrival } from './senders.js'
import { States } from './states.js'

export interface Connection {
  readonly link: Link
  /** Hears the commands where another broker than the embedded one would hide their retain flags. */
  readonly ear: Link | undefined
  /** For the values of programs: however many come, the fleet's own messages do not wait behind them. */
  readonly values: Link
}

/** Made, not started. */
export function makeConnection(parts: Parts, broker: BrokerAddress, log: Logger): Connection {
  const { fleet, root, instance, clock, intake, reports, commands, states, joining } = parts
  const { inventory, publisher, permits, requests } = fleet
  const obey = (arrival: Arrival) => {
    permits.noteLive(arrival.topic)
    commands.receive(arrival)
  }
  const link: Link = new Link({
    broker,
    clientId: `manager-${instance.toString('hex')}`,
    subscriptions: subscriptionsOf(root, broker),
    will: States.will(root),
    clock,
    log: log.child({ component: 'link' }),
    up() {
      inventory.listen(true)
      for (const part of [publisher, permits, requests, commands, states, joining]) part?.up(link)
    },
    down() {
      inventory.listen(false)
      for (const part of [publisher, permits, requests, reports, commands, states, joining]) part?.down()
    },
    message(topic, payload, retained) {
      const sent = parseSenderTopic(root, topic)
      if (sent !== undefined) obey({ ...sent, payload, retained })
      else if (isPermitTopic(root, topic) && retained) permits.seen(topic, payload)
      // Another broker than the embedded one does not tell whether it was sent to be retained.
      else if (isPermitTopic(root, topic)) obey({ topic, payload, retained: true, sender: undefined })
      // From the broker's store: who sent it is forgotten, and it is stale.
      else if (isCommandTopic(root, topic)) commands.receive({ topic, payload, retained, sender: undefined })
      else if (isStateTopic(root, topic)) states.seen(topic, payload)
      else intake.handle(topic, payload, retained)
    },
  })
  return { link, ear: 'connect' in broker ? undefined : makeEar(parts, broker, log), values: makeValuesLink(parts, broker, log) }
}

function makeEar({ root, instance, clock, commands, states }: Parts, broker: BrokerAddress, log: Logger): Link {
  states.hear(false)
  const ear: Link = new Link({
    broker,
    clientId: `manager-${instance.toString('hex')}-commands`,
    subscriptions: everyCommand(root).map(filter => ({ filter, qos: 1, asPublished: true })),
    clock,
    log: log.child({ component: 'ear' }),
    up: () => void ear.settled().then(() => states.hear(ear.hears)),
    down: () => states.hear(false),
    message: (topic, payload, retained) => commands.receive({ topic, payload, retained, sender: undefined }),
  })
  return ear
}

function makeValuesLink({ root, instance, clock, values }: Parts, broker: BrokerAddress, log: Logger): Link {
  const link: Link = new Link({
    broker,
    clientId: `manager-${instance.toString('hex')}-values`,
    subscriptions: Values.filters(root).map(filter => ({ filter, qos: 0 })),
    clock,
    log: log.child({ component: 'values' }),
    up: () => values.up(link),
    down: () => values.down(),
    message: (topic, payload, retained) => values.hear(topic, payload, retained),
  })
  return link
}

/**
 * The embedded broker would rather cut a manager that is too slow than drop a message of QoS 1, and retained state comes anew
 * with the next connection. Other brokers drop retained messages of QoS 1 beyond a short queue (mosquitto: 1000) without a
 * word, but not those of QoS 0.
 */
function subscriptionsOf(root: string, broker: BrokerAddress): Subscription[] {
  const qos = 'connect' in broker ? 1 : 0
  return [
    { filter: everyDevice(root, 'status'), qos },
    { filter: everyDevice(root, 'reported'), qos },
    { filter: everyDevice(root, 'changes'), qos: 1 },
    { filter: everyDevice(root, 'heartbeat'), qos: 0 },
    { filter: everyDevice(root, 'usage'), qos: 0 },
    { filter: everyDevice(root, 'renewal'), qos: 1 },
    { filter: everyJoinRequest(root), qos: 1 },
    { filter: everyResponse(root), qos: 1 },
    { filter: everyPermit(root), qos },
    ...('connect' in broker ? everyCommand(root) : []).map(filter => ({ filter, qos: 1 as const })),
  ]
}
