// The manager, put together: opens its database, listens for people and programs, and follows the fleet through its broker.
import type { Logger } from 'pino'
import type { Access } from '../protocol/access.js'
import { type Clock, systemClock } from '../protocol/clock.js'
import { everyCommand, isCommandTopic, isStateTopic } from '../protocol/command-topics.js'
import { SkerryError, unwrap } from '../protocol/errors.js'
import { checkRoot, everyDevice, everyResponse } from '../protocol/topics.js'
import { checkListener } from './api/auth.js'
import type { Health, Stats } from './api/health.js'
import { type Api, buildApi } from './api/server.js'
import { Servers, type Tls } from './api/servers.js'
import { Commands } from './commands.js'
import { newEvent } from './core/events.js'
import type { Fleet } from './fleet.js'
import { Keys } from './identity/keys.js'
import { Intake } from './intake.js'
import { Inventory } from './inventory.js'
import { Journal } from './journal.js'
import { type BrokerAddress, Link, type Subscription } from './link.js'
import { Publisher } from './publisher.js'
import { Reception } from './reception.js'
import { Requests } from './requests.js'
import { Signing } from './signing.js'
import { States } from './states.js'
import { type Db, openDb } from './store/db.js'
import { readInstance } from './store/meta.js'
import { Door, type FixedTokens } from './users/door.js'
import { readVersion } from './version.js'

export interface HttpOptions {
  /** Beyond this machine only with TLS. */
  readonly host: string
  /** 0: any free one. */
  readonly port: number
  readonly tls?: Tls
  /** Tokens of an admin that come from outside the database. */
  readonly tokens?: FixedTokens
}

export interface ManagerOptions {
  /** The SQLite file; made if it is missing. */
  readonly file: string
  /** Above all topics; see topics.md. */
  readonly root: string
  readonly broker: BrokerAddress
  readonly http: HttpOptions
  readonly log: Logger
  readonly clock?: Clock
}

export interface Manager {
  /** Where the API is, such as `http://127.0.0.1:8080`. */
  readonly url: string
  /** What the broker asks about users. */
  readonly door: Pick<Access, 'logIn' | 'user' | 'onChange'>
  /** Of the user `admin`, where this start has made it: shown to nobody else. */
  readonly firstPassword: string | undefined
  /** Puts another certificate into use from the next connection on. */
  replaceTls(tls: Tls): void
  /** What devices of this fleet have to go by: Ed25519, 32 bytes each. */
  signingKeys(): readonly Uint8Array[]
  stop(): Promise<void>
}

/** Throws `listener.insecure`, `topic.invalid`, `config.invalid`, `state.in-use` or `port.in-use`. A broker that is not there yet is waited for. */
export async function startManager(options: ManagerOptions): Promise<Manager> {
  const { file, root, broker, http, log, clock = systemClock } = options
  checkListener(http.host, http.tls !== undefined)
  unwrap(checkRoot(root))
  const db = openDb(file)
  try {
    const parts = assemble({ db, root, broker, log, clock })
    const { fleet, link, ear, states } = parts
    const door = new Door(fleet, http.tokens ?? {})
    const servers = new Servers(http.tls)
    const health = healthOf(parts)
    const api = await buildApi({ fleet, door, servers, health, log: log.child({ component: 'api' }) })
    fleet.inventory.start()
    states.start()
    const firstPassword = door.users.start()
    fleet.journal.note(newEvent('manager.started', `the manager has started, version ${health.version}`))
    fleet.journal.flush()
    try {
      const url = await listen(api, http, servers)
      link.start()
      ear?.start()
      log.info({ url, devices: fleet.inventory.devices.size }, 'manager started')
      let stopped: Promise<void> | undefined
      return {
        url,
        door,
        firstPassword,
        replaceTls: tls => servers.replace(tls),
        signingKeys: () => fleet.signing.keys(),
        stop() {
          stopped ??= stop(parts, () => api.close())
          return stopped
        },
      }
    } catch (error) {
      fleet.inventory.stop()
      fleet.journal.stop()
      await api.close()
      throw error
    }
  } catch (error) {
    db.close()
    throw error
  }
}

async function listen(api: Api, { host, port }: HttpOptions, { isSecure }: Servers): Promise<string> {
  try {
    const url = await api.listen({ host, port })
    return isSecure ? url.replace(/^http:/, 'https:') : url
  } catch (error) {
    const inUse = error instanceof Error && 'code' in error && error.code === 'EADDRINUSE'
    throw inUse ? new SkerryError('port.in-use', `port ${port} of ${host} is in use`, { cause: error }) : error
  }
}

interface Surroundings {
  readonly db: Db
  readonly root: string
  readonly broker: BrokerAddress
  readonly log: Logger
  readonly clock: Clock
}

interface Parts {
  readonly fleet: Fleet
  readonly link: Link
  /** Hears the commands where another broker than the embedded one would hide their retain flags. */
  readonly ear: Link | undefined
  readonly intake: Intake
  readonly commands: Commands
  readonly states: States
}

function assemble({ db, root, broker, log, clock }: Surroundings): Parts {
  const instance = readInstance(db)
  const keys = new Keys(db)
  const signing = new Signing(db, clock.now())
  const journal = new Journal(db, clock, log.child({ component: 'journal' }))
  const inventory = new Inventory({ db, journal, clock, log: log.child({ component: 'inventory' }) })
  const publisher = new Publisher({
    db,
    root,
    instance,
    signing,
    clock,
    log: log.child({ component: 'publisher' }),
    released(device) {
      reception.unbury(device)
      keys.gone(device)
    },
  })
  const requests = new Requests({ root, clock, journal, inventory, signing })
  const reception: Reception = new Reception({
    db,
    root,
    instance,
    journal,
    inventory,
    publisher,
    requests,
    joining: () => undefined,
    strict: false,
  })
  const intake = new Intake(root, reception, log.child({ component: 'intake' }))
  const fleet: Fleet = { db, clock, journal, inventory, keys, reception, publisher, requests, signing }
  const states = new States({ root, fleet, log: log.child({ component: 'states' }) })
  const commands = new Commands({ root, fleet, log: log.child({ component: 'commands' }), tellStates: target => states.tell(target) })
  const link: Link = new Link({
    broker,
    clientId: `manager-${instance.toString('hex')}`,
    subscriptions: subscriptionsOf(root, broker),
    will: States.will(root),
    clock,
    log: log.child({ component: 'link' }),
    up() {
      inventory.listen(true)
      publisher.up(link)
      requests.up(link)
      commands.up(link)
      states.up(link)
    },
    down() {
      inventory.listen(false)
      publisher.down()
      requests.down()
      commands.down()
      states.down()
    },
    message(topic, payload, retained) {
      if (isCommandTopic(root, topic)) commands.receive(topic, payload, retained)
      else if (isStateTopic(root, topic)) states.seen(topic, payload)
      else intake.handle(topic, payload, retained)
    },
  })
  const ear =
    'connect' in broker
      ? undefined
      : new Link({
          broker,
          clientId: `manager-${instance.toString('hex')}-commands`,
          subscriptions: everyCommand(root).map(filter => ({ filter, qos: 1, asPublished: true })),
          clock,
          log: log.child({ component: 'ear' }),
          up() {},
          down() {},
          message: (topic, payload, retained) => commands.receive(topic, payload, retained),
        })
  return { fleet, link, ear, intake, commands, states }
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
    { filter: everyDevice(root, 'heartbeat'), qos: 0 },
    { filter: everyResponse(root), qos: 1 },
    ...('connect' in broker ? everyCommand(root) : []).map(filter => ({ filter, qos: 1 as const })),
  ]
}

function healthOf({ fleet: { db, inventory, publisher }, link, intake, commands }: Parts): Health {
  return {
    version: readVersion(),
    checks: () => ({ database: db.isOpen, broker: link.isUp }),
    stats: () => {
      const { received, dropped } = intake.stats()
      const { refused, ...counted } = commands.stats()
      return {
        messages: { received, dropped: { ...dropped } },
        commands: { ...counted, refused: { ...refused } },
        published: publisher.published,
        devices: countDevices(inventory),
      }
    },
  }
}

function countDevices(inventory: Inventory): Stats['devices'] {
  const counts = { ready: 0, notReady: 0, unknown: 0 }
  for (const { state } of inventory.devices.values()) counts[state === 'Ready' ? 'ready' : state === 'NotReady' ? 'notReady' : 'unknown']++
  return counts
}

async function stop({ fleet, link, ear, states }: Parts, closeApi: () => Promise<void>): Promise<void> {
  const { db, journal, inventory, publisher } = fleet
  await closeApi()
  await ear?.stop()
  await states.stop()
  await link.stop()
  await publisher.idle()
  inventory.stop()
  journal.stop()
  db.close()
}
