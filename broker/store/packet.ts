// The packets that the store keeps, in the shape that Aedes hands over and expects back.

export type Qos = 0 | 1 | 2

export interface Packet {
  cmd: 'publish' | 'pubrel'
  brokerId?: string | undefined
  brokerCounter?: number | undefined
  topic: string
  payload: Buffer | string
  qos: Qos
  retain: boolean
  dup: boolean
  messageId?: number | undefined
}

/** A PUBREL waiting to be sent again has no more than its number. */
export interface Pubrel {
  cmd: 'pubrel'
  messageId?: number | undefined
}

/** A copy with a payload of its own: a payload straight from a socket would keep the whole 64 KiB read alive. */
export function copyPacket(packet: Partial<Packet>, messageId?: number): Packet {
  return {
    cmd: packet.cmd ?? 'publish',
    brokerId: packet.brokerId,
    brokerCounter: packet.brokerCounter,
    topic: packet.topic ?? '',
    payload: ownPayload(packet.payload),
    qos: packet.qos ?? 0,
    retain: packet.retain ?? false,
    dup: packet.dup ?? false,
    messageId,
  }
}

export function ownPayload(payload: Buffer | string | undefined): Buffer | string {
  if (payload === undefined) return Buffer.alloc(0)
  return typeof payload === 'string' ? payload : Buffer.from(payload)
}

export function toQos(value: unknown): Qos {
  return value === 1 || value === 2 ? value : 0
}

export const text = (value: unknown): string => (typeof value === 'string' ? value : '')
