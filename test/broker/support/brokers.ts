// Brokers for tests: ours in a folder of its own, and stock Aedes to show what would happen without us.
import { mkdtempSync, rmSync } from 'node:fs'
import { createServer, type Server, type Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Aedes, type AedesOptions } from 'aedes'
import { type IClientOptions, MqttClient } from 'mqtt'
import { type Logger, pino } from 'pino'
import { RawClient } from '../../../bench/support/raw.js'
import { type Broker, type BrokerOptions, startBroker } from '../../../broker/broker.js'

export const silent: Logger = pino({ level: 'silent' })

export interface Running {
  readonly broker: Broker
  readonly port: number
  readonly file: string
  /** Stops and starts it again on the same file. */
  restart(options?: Partial<BrokerOptions>): Promise<Running>
}

/** Starts a broker on a free loopback port; stops it and removes its files when `run` is over. */
export async function withBroker(options: Partial<BrokerOptions>, run: (running: Running) => Promise<void>): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), 'skerry-broker-'))
  const file = join(folder, 'broker.db')
  let broker: Broker | undefined
  const start = async (changes: Partial<BrokerOptions>): Promise<Running> => {
    await broker?.stop()
    broker = await startBroker({ file, listeners: [{ kind: 'tcp', host: '127.0.0.1', port: 0 }], log: silent, ...options, ...changes })
    return { broker, file, port: broker.addresses[0]?.port ?? 0, restart: (more = {}) => start(more) }
  }
  try {
    await run(await start({}))
  } finally {
    await broker?.stop()
    rmSync(folder, { recursive: true })
  }
}

/** The same for stock Aedes. */
export async function withStock(options: AedesOptions, run: (port: number) => Promise<void>): Promise<void> {
  const aedes = await Aedes.createBroker(options)
  const sockets = new Set<Socket>()
  const server = createServer(socket => {
    sockets.add(socket)
    aedes.handle(socket)
  })
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  try {
    await run(portOf(server))
  } finally {
    server.close()
    await new Promise<void>(resolve => aedes.close(resolve))
    for (const socket of sockets) socket.destroy()
  }
}

function portOf(server: Server): number {
  const address = server.address()
  return typeof address === 'object' && address !== null ? address.port : 0
}

/** A connected raw client; fails unless it is let in. */
export async function enter(port: number, clientId: string, fields: Parameters<typeof RawClient.connect>[1] = {}): Promise<RawClient> {
  const { client, connack } = await RawClient.connect(port, { clientId, ...fields })
  if (connack.returnCode !== 0) throw new Error(`${clientId} was refused with ${connack.returnCode}`)
  return client
}

/** An mqtt.js client on the trusted connection inside the process. */
export function connectAsManager(broker: Broker, clientId = 'manager-1', options: IClientOptions = {}): MqttClient {
  return new MqttClient(() => broker.connectInProcess(), { clientId, reconnectPeriod: 0, protocolVersion: 4, ...options })
}
