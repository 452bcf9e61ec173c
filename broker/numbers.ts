// Packets that need a number and have none. Aedes takes them, and the answer, which cannot be written then, would end the process.
import type { EventEmitter } from 'node:events'
import type { Packet } from 'mqtt-packet'
import type { Peer } from './internals.js'

const numbered: ReadonlySet<Packet['cmd']> = new Set(['puback', 'pubrec', 'pubrel', 'pubcomp', 'subscribe', 'unsubscribe'] as const)

/** Whether a packet that needs a number has one from 1 to 65535 (MQTT 2.3.1). */
export function isNumbered(packet: Packet): boolean {
  if (packet.cmd === 'publish' ? packet.qos === 0 : !numbered.has(packet.cmd)) return true
  const { messageId = 0 } = packet
  return messageId >= 1 && messageId <= 65_535
}

/** Stands between the parser of a connection and Aedes, which sees nothing more of a client that has sent such a packet. */
export function refuseUnnumbered(client: Peer): void {
  const parser: EventEmitter = client._parser
  const takers = parser.listeners('packet')
  parser.removeAllListeners('packet')
  let refused = false
  parser.on('packet', (packet: Packet) => {
    if (refused) return
    refused = !isNumbered(packet)
    if (refused) client.emit('error', new Error('packet without a number'))
    else for (const take of takers) take.call(parser, packet)
  })
}
