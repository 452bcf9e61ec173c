// Composes the parts: broker, manager and agent from the settings, started in order and stopped in reverse.
import { chmod, mkdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { type DestinationStream, destination, type Logger, pino } from 'pino'
import { type Agent, startAgent } from '../agent/agent.js'
import { type Broker, startBroker } from '../broker/broker.js'
import type { ListenerOptions } from '../broker/listeners.js'
import type { Settings } from '../config/settings.js'
import { type Manager, startManager } from '../manager/manager.js'
import { SkerryError } from '../protocol/errors.js'
import { hostOf } from './connect.js'

/** Logs to standard error, so that data alone goes to standard output. Synchronous: nothing is lost at exit. */
export function createLog(level: Settings['logLevel']): Logger {
  const stream: DestinationStream = destination({ dest: 2, sync: true })
  return pino({ level, base: null }, stream)
}

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
    const manager: Manager = await startManager({
      file: join(data, 'manager.db'),
      root,
      broker: broker === undefined ? await externalBroker(settings) : { connect: () => broker.connectInProcess() },
      http: { host: httpHost, port: httpPort, ...(httpToken === undefined ? {} : { token: httpToken }) },
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
    listeners: await listenersOf(settings),
    root,
    log: log.child({ part: 'broker' }),
    ...(username === undefined || password === undefined ? {} : { credentials: { username, password } }),
  }
  return startBroker(options).catch(nameSetting('mqtt-port', settings.mqttPort))
}

async function listenersOf(settings: Settings): Promise<ListenerOptions[]> {
  const { mqttHost: host, mqttPort, wsPort } = settings
  const tls = await readTls(settings)
  const tcp: ListenerOptions = { kind: 'tcp', host, port: mqttPort, ...tls }
  return wsPort === 'off' ? [tcp] : [tcp, { kind: 'ws', host, port: wsPort, ...tls }]
}

async function readTls({ mqttCert, mqttKey }: Settings): Promise<{ tls?: { cert: Buffer; key: Buffer } }> {
  if (mqttCert === undefined && mqttKey === undefined) return {}
  if (mqttCert === undefined || mqttKey === undefined) {
    throw new SkerryError('config.invalid', 'mqtt-cert and mqtt-key go together: set both', { path: mqttCert ? 'mqtt-key' : 'mqtt-cert' })
  }
  return { tls: { cert: await readSetting('mqtt-cert', mqttCert), key: await readSetting('mqtt-key', mqttKey) } }
}

async function externalBroker(settings: Settings) {
  return { url: settings.broker ?? '', ...(await brokerAccess(settings)) }
}

async function brokerAccess({ mqttUsername: username, mqttPassword: password, mqttCa }: Settings) {
  return {
    ...(username === undefined ? {} : { username }),
    ...(password === undefined ? {} : { password }),
    ...(mqttCa === undefined ? {} : { ca: await readSetting('mqtt-ca', mqttCa) }),
  }
}

/** Starts the agent of this machine at the broker with this URL. */
export async function startLocalAgent(settings: Settings, url: string, log: Logger): Promise<Agent> {
  const folder = join(settings.data, 'agent')
  await mkdir(folder, { recursive: true, mode: 0o700 })
  await chmod(folder, 0o700)
  return startAgent({
    folder,
    root: settings.root,
    broker: { url, ...(await brokerAccess(settings)) },
    engine: settings.engine,
    ...(settings.name === undefined ? {} : { name: settings.name }),
    log: log.child({ part: 'agent' }),
  })
}

function formatAddress({ kind, host, port, tls }: Broker['addresses'][number]): string {
  const scheme = kind === 'tcp' ? (tls ? 'mqtts' : 'mqtt') : tls ? 'wss' : 'ws'
  return `${scheme}://${hostOf(host)}:${port}`
}

async function readSetting(key: string, file: string): Promise<Buffer> {
  return readFile(file).catch((cause: unknown) => {
    throw new SkerryError('config.invalid', `cannot read ${file}`, { cause, path: key })
  })
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
