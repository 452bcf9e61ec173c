// Starts broker and manager from the settings, and stops them in reverse.
import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import type { Logger } from 'pino'
import { type Broker, startBroker } from '../../broker/broker.js'
import type { ListenerOptions } from '../../broker/listeners.js'
import type { Settings } from '../../config/settings.js'
import { startManager } from '../../manager/manager.js'
import { SkerryError } from '../../protocol/errors.js'
import { hostOf } from '../connect.js'
import { brokerAccess } from './access.js'

export interface Server {
  /** The HTTP API. */
  readonly url: string
  /** For an agent on this machine. */
  readonly mqttUrl: string
  /** Every MQTT address, for people. */
  readonly mqttUrls: readonly string[]
  stop(): Promise<void>
}

/** Starts the broker, unless another one is configured, and the manager. */
export async function startServer(settings: Settings, log: Logger): Promise<Server> {
  const { data, root, httpHost, httpPort, httpToken } = settings
  await mkdir(data, { recursive: true, mode: 0o700 })
  const broker = settings.broker === undefined ? await startEmbeddedBroker(settings, log) : undefined
  try {
    const manager = await startManager({
      file: join(data, 'manager.db'),
      root,
      broker:
        broker === undefined
          ? { url: settings.broker ?? '', ...(await brokerAccess(settings)) }
          : { connect: () => broker.connectInProcess() },
      http: { host: httpHost, port: httpPort, tokens: { config: httpToken } },
      log: log.child({ part: 'manager' }),
    }).catch(nameSetting('http-port', httpPort))
    const mqttUrls = broker === undefined ? [settings.broker ?? ''] : broker.addresses.map(formatAddress)
    return {
      url: manager.url,
      mqttUrl: mqttUrls[0] ?? '',
      mqttUrls,
      async stop() {
        await manager.stop()
        await broker?.stop()
      },
    }
  } catch (error) {
    await broker?.stop()
    throw error
  }
}

async function startEmbeddedBroker(settings: Settings, log: Logger): Promise<Broker> {
  const { data, root, mqttUsername: username, mqttPassword: password } = settings
  const options = {
    file: join(data, 'broker.db'),
    listeners: listenersOf(settings),
    root,
    log: log.child({ part: 'broker' }),
    ...(username === undefined || password === undefined ? {} : { credentials: { username, password } }),
  }
  return startBroker(options).catch(nameSetting('mqtt-port', settings.mqttPort))
}

function listenersOf({ mqttHost: host, mqttPort, wsPort }: Settings): ListenerOptions[] {
  const tcp: ListenerOptions = { kind: 'tcp', host, port: mqttPort }
  return wsPort === 'off' ? [tcp] : [tcp, { kind: 'ws', host, port: wsPort }]
}

function formatAddress({ kind, host, port, tls }: Broker['addresses'][number]): string {
  const scheme = kind === 'tcp' ? (tls ? 'mqtts' : 'mqtt') : tls ? 'wss' : 'ws'
  return `${scheme}://${hostOf(host)}:${port}`
}

/** Says of a port that is taken which setting changes it. */
function nameSetting(key: string, port: number): (error: unknown) => never {
  return error => {
    const code = error instanceof Error && 'code' in error ? error.code : undefined
    if (code !== 'EADDRINUSE' && code !== 'port.in-use') throw error
    throw new SkerryError('port.in-use', `port ${port} is in use by another program; choose another one with --${key} (0 = any free one)`, {
      cause: error,
      path: `--${key}`,
    })
  }
}
