// What an MQTT packet is for, and how many bytes it has (MQTT 3.1.1, 2.2 and 3.3).
import type { Purpose } from '../../protocol/messages/usage.js'
import { parseTopic } from '../../protocol/topics.js'

/** Of what is published; whatever is neither telemetry nor an answer is state. */
export function purposeOf(root: string, name: string): Exclude<Purpose, 'connection' | 'headers'> {
  const topic = parseTopic(root, name)
  switch (topic?.kind) {
    case 'request':
    case 'response':
      return 'log'
    case 'device':
      return channelPurposes.get(topic.channel) ?? 'state'
    default:
      return 'state'
  }
}

const channelPurposes: ReadonlyMap<string, 'heartbeat' | 'report'> = new Map([
  ['heartbeat', 'heartbeat'],
  ['reported', 'report'],
  ['changes', 'report'],
  ['usage', 'report'],
])

export interface PublishSize {
  readonly topic: string
  readonly payloadBytes: number
  readonly qos: number
}

export function publishBytes({ topic, payloadBytes, qos }: PublishSize): number {
  return packetBytes(2 + Buffer.byteLength(topic) + (qos > 0 ? 2 : 0) + payloadBytes)
}

/** With the fixed header, whose length of the remaining bytes has seven bits a byte. */
export function packetBytes(remaining: number): number {
  const lengthBytes = remaining < 0x80 ? 1 : remaining < 0x4000 ? 2 : remaining < 0x20_0000 ? 3 : 4
  return 1 + lengthBytes + remaining
}

export const pubackBytes = 4
