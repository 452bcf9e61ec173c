// What is said behind a CONNECT without waiting for its answer: a round trip less, and two segments. A broker that refuses the connection does not look at it (MQTT 3.1.1, 3.1.4).
import type { MqttClient } from 'mqtt'
import { generate, type ISubackPacket, type ISubscribePacket, type Packet } from 'mqtt-packet'

const lastId = 65_535

export class Ahead {
  readonly #client: MqttClient
  #messageId: number

  /** The client has sent its CONNECT; by itself it says nothing else before the CONNACK. */
  constructor(client: MqttClient) {
    this.#client = client
    this.#messageId = client.getLastMessageId()
  }

  /** With QoS 1. The broker's answer has one item for each topic (MQTT 3.1.1, 3.9.3); it may come before the client says that it is connected. */
  subscribe(topics: readonly string[], onAnswer: (granted: ISubackPacket['granted']) => void): void {
    const messageId = this.#nextId()
    this.#onAnswer(messageId, packet => {
      if (packet?.cmd === 'suback') onAnswer(packet.granted)
    })
    this.#send({
      cmd: 'subscribe',
      messageId,
      subscriptions: topics.map((topic): ISubscribePacket['subscriptions'][0] => ({ topic, qos: 1 })),
    })
  }

  /** Retained, with QoS 1. True once it is known to have arrived; false if the connection is closed before. */
  publish(topic: string, payload: Buffer): Promise<boolean> {
    const messageId = this.#nextId()
    return new Promise(resolve => {
      this.#onAnswer(messageId, packet => resolve(packet?.cmd === 'puback'))
      this.#send({ cmd: 'publish', messageId, topic, payload, qos: 1, retain: true, dup: false })
    })
  }

  /** Of all numbers those that the client itself comes to last. */
  #nextId(): number {
    const messageId = this.#messageId
    this.#messageId = messageId === 1 ? lastId : messageId - 1
    return messageId
  }

  #send(packet: Packet): void {
    this.#client.stream.write(generate(packet))
    // Whoever looks at what the client sends sees this too.
    this.#client.emit('packetsend', packet)
  }

  #onAnswer(messageId: number, act: (packet?: Packet) => void): void {
    const client = this.#client
    const settle = (packet?: Packet): void => {
      client.off('packetreceive', look)
      client.off('close', close)
      act(packet)
    }
    const look = (packet: Packet): void => {
      if (packet.messageId === messageId && (packet.cmd === 'suback' || packet.cmd === 'puback')) settle(packet)
    }
    const close = (): void => settle()
    client.on('packetreceive', look)
    client.on('close', close)
  }
}
