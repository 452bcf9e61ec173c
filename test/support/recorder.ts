// Stands between MQTT clients without TLS and their broker, and keeps what they publish as it is on the wire.
import { type IPublishPacket, parser } from 'mqtt-packet'
import { startRelay } from './relay.js'

export interface Recorder {
  readonly port: number
  readonly published: readonly Pick<IPublishPacket, 'topic' | 'payload' | 'retain' | 'qos'>[]
  close(): Promise<void>
}

export async function startRecorder(brokerPort: number): Promise<Recorder> {
  const published: IPublishPacket[] = []
  const { port, close } = await startRelay({ port: brokerPort, host: '127.0.0.1' }, undefined, {
    onClient: socket => {
      const input = parser()
      input.on('packet', packet => packet.cmd === 'publish' && published.push(packet))
      socket.on('data', bytes => input.parse(bytes))
    },
  })
  return { port, published, close }
}
