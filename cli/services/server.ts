// Starts the manager and its broker from the settings, and stops them in reverse.
import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import type { Logger } from 'pino'
import { type Broker, startBroker } from '../../broker/broker.js'
import type { Settings } from '../../config/settings.js'
import { openPki, type Pki } from '../../manager/identity/pki.js'
import { type Manager, type OpenManager, openManager } from '../../manager/manager.js'
import { SkerryError } from '../../protocol/errors.js'
import { makeLocalToken } from '../local-token.js'
import { brokerAccess } from './access.js'
import { formatAddress, httpCertificate, listenersOf } from './listeners.js'
import { namesOf } from './names.js'

export interface Server {
  /** The HTTP API. */
  readonly url: string
  /** For an agent on this machine. */
  readonly mqttUrl: string
  /** Every MQTT address, for people. */
  readonly mqttUrls: readonly string[]
  /** Of the user `admin`, where this start has made it. */
  readonly firstPassword: string | undefined
  readonly pki: Pki
  /** A join token for one device of this process's choice. */
  invite(name: string): string
  /** Whether this device with this key is of the fleet. */
  knows(device: string, key: string): boolean
  stop(): Promise<void>
}

/** What nobody sets but tests. */
export interface Tuning {
  /** Of devices' certificates, ms. */
  readonly deviceLifeMs?: number
}

/** Starts the broker, unless another one is configured, and the manager. */
export async function startServer(settings: Settings, log: Logger, tuning: Tuning = {}): Promise<Server> {
  const undo = new Undo()
  try {
    return await start(settings, { log, tuning, undo })
  } catch (error) {
    await undo.run()
    throw error
  }
}

interface Starting {
  readonly log: Logger
  readonly tuning: Tuning
  readonly undo: Undo
}

async function start(settings: Settings, { log, tuning, undo }: Starting): Promise<Server> {
  const { data } = settings
  await mkdir(data, { recursive: true, mode: 0o700 })
  const pki = await openPki(join(data, 'pki'), { names: namesOf(settings), log: log.child({ part: 'pki' }) })
  undo.add(() => pki.close())
  const local = await makeLocalToken(data)
  undo.add(() => local.remove())
  const opened = await openFleet(settings, { pki, token: local.secret, tuning, log })
  const closeUnstarted = undo.add(() => opened.close())
  const broker = settings.broker === undefined ? await startEmbeddedBroker(settings, { pki, opened, log }) : undefined
  undo.add(() => broker?.stop())
  // From here on it closes itself, also where it cannot start.
  closeUnstarted()
  const manager = await startFleet(settings, opened, broker)
  undo.add(() => manager.stop())
  undo.add(pki.onServerCertificate(credentials => replaceCertificates(settings, { pki, broker, manager, credentials })))
  const mqttUrls = broker === undefined ? [settings.broker ?? ''] : broker.addresses.map(formatAddress)
  return {
    url: manager.url,
    mqttUrl: mqttUrls[0] ?? '',
    mqttUrls,
    firstPassword: manager.firstPassword,
    pki,
    invite: name => manager.invite({ name }),
    knows: (device, key) => opened.access.device(device, key).ok,
    stop: () => undo.run(),
  }
}

interface Parts {
  readonly pki: Pki
  readonly log: Logger
}

async function openFleet(settings: Settings, { pki, token, tuning, log }: Parts & { token: string; tuning: Tuning }): Promise<OpenManager> {
  const { data, root, httpHost: host, httpPort: port, httpToken, joinKey } = settings
  const tls = await httpCertificate(settings, pki)
  return openManager({
    file: join(data, 'manager.db'),
    root,
    http: { host, port, tokens: { local: token, config: httpToken }, ...(tls === undefined ? {} : { tls }) },
    // A broker of somebody's own has its own rules about who may say what.
    identity: { pki, fleetKey: joinKey, strict: settings.broker === undefined, ...tuning },
    log: log.child({ part: 'manager' }),
  })
}

async function startFleet(settings: Settings, opened: OpenManager, broker: Broker | undefined): Promise<Manager> {
  const { publicUrl, names } = settings
  const listener = broker?.addresses[0]
  return opened
    .start({
      broker:
        broker === undefined
          ? { url: settings.broker ?? '', ...(await brokerAccess(settings)) }
          : { connect: () => broker.connectInProcess() },
      reach: { publicUrl: publicUrl ?? settings.broker, names, ...(listener === undefined ? {} : { listener }) },
    })
    .catch(nameSetting('http-port', settings.httpPort))
}

async function startEmbeddedBroker(settings: Settings, { pki, opened, log }: Parts & { opened: OpenManager }): Promise<Broker> {
  const options = {
    file: join(settings.data, 'broker.db'),
    listeners: listenersOf(settings, { ...pki.server, ca: pki.caPem }),
    root: settings.root,
    access: opened.access,
    log: log.child({ part: 'broker' }),
  }
  return startBroker(options).catch(nameSetting('mqtt-port', settings.mqttPort))
}

interface Replacing {
  readonly pki: Pki
  readonly broker: Broker | undefined
  readonly manager: Manager
  readonly credentials: Pki['server']
}

/** A new certificate of the server serves the next connections; those that there are go on. */
function replaceCertificates({ httpCert }: Settings, { pki, broker, manager, credentials }: Replacing): void {
  broker?.replaceTls({ ...credentials, ca: pki.caPem })
  if (httpCert === undefined) manager.replaceTls(credentials)
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

type Step = () => unknown

/** What is to be undone, the last first. */
class Undo {
  readonly #steps: Step[] = []

  /** Returns how to take it back. */
  add(step: Step): () => void {
    this.#steps.push(step)
    return () => void this.#steps.splice(this.#steps.indexOf(step), 1)
  }

  async run(): Promise<void> {
    for (let step = this.#steps.pop(); step !== undefined; step = this.#steps.pop()) await step()
  }
}
