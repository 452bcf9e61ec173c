// The manager: opens its database, says who may come to its broker, listens for people and programs, and follows the fleet.
import type { Logger } from 'pino'
import type { Access } from '../protocol/access.js'
import { type Clock, systemClock } from '../protocol/clock.js'
import { SkerryError, unwrap } from '../protocol/errors.js'
import { checkRoot } from '../protocol/topics.js'
import { checkListener } from './api/auth.js'
import type { Health, Stats } from './api/health.js'
import { type Api, buildApi } from './api/server.js'
import { Servers, type Tls } from './api/servers.js'
import { type Connection, makeConnection } from './connection.js'
import { newEvent } from './core/events.js'
import type { Reach } from './core/join-url.js'
import { type Host, invite } from './identity/invitation.js'
import type { TokenWish } from './identity/tokens.js'
import type { Inventory } from './inventory.js'
import type { BrokerAddress } from './link.js'
import { assemble, type IdentityOptions, type Parts } from './parts.js'
import { openDb } from './store/db.js'
import type { FixedTokens } from './users/door.js'
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

export interface OpenOptions {
  /** The SQLite file; made if it is missing. */
  readonly file: string
  /** Above all topics; see topics.md. */
  readonly root: string
  readonly http: HttpOptions
  /** Without it no device can join, and whoever writes on a device's topics is of the fleet. */
  readonly identity?: IdentityOptions
  readonly log: Logger
  readonly clock?: Clock
}

export interface StartOptions {
  readonly broker: BrokerAddress
  /** Where devices reach that broker. */
  readonly reach?: Reach
}

export type ManagerOptions = OpenOptions & StartOptions

export interface OpenManager {
  /** For a broker that asks who may come; good until the manager stops. */
  readonly access: Access
  /** Throws `config.invalid` or `port.in-use`, and is closed then. A broker that is not there yet is waited for. */
  start(options: StartOptions): Promise<Manager>
  /** Instead of starting it. */
  close(): void
}

export interface Manager {
  /** Where the API is, such as `http://127.0.0.1:8080`. */
  readonly url: string
  /** Of the user `admin`, where this start has made it: shown to nobody else. */
  readonly firstPassword: string | undefined
  /** Puts another certificate into use from the next connection on. */
  replaceTls(tls: Tls): void
  /** What devices of this fleet have to go by: Ed25519, 32 bytes each. */
  signingKeys(): readonly Uint8Array[]
  /** A join token, for an agent of the same process. Throws `identity.missing` or `group.unknown`. */
  invite(wish: TokenWish): string
  stop(): Promise<void>
}

/** For a broker that is there already, or asks nobody. Throws what {@link openManager} and its `start` throw. */
export async function startManager({ broker, reach, ...options }: ManagerOptions): Promise<Manager> {
  return openManager(options).start({ broker, ...(reach === undefined ? {} : { reach }) })
}

/** Opens the database. Throws `listener.insecure`, `topic.invalid` or `state.in-use`. */
export function openManager(options: OpenOptions): OpenManager {
  const { file, root, http, identity, log, clock = systemClock } = options
  checkListener(http.host, http.tls !== undefined)
  unwrap(checkRoot(root))
  const db = openDb(file)
  try {
    const parts = assemble({ db, file, root, identity, tokens: http.tokens ?? {}, log, clock })
    const close = () => {
      parts.fleet.audit.stop()
      parts.fleet.journal.stop()
      db.close()
    }
    return { access: parts.access, close, start: connection => start(parts, options, connection) }
  } catch (error) {
    db.close()
    throw error
  }
}

async function start(
  parts: Parts,
  { http, identity, log }: OpenOptions,
  { broker, reach = { names: [] } }: StartOptions,
): Promise<Manager> {
  const { fleet, states, door, joining, bridge } = parts
  const host: Host | undefined = identity && { ca: identity.pki.caFingerprint, reach }
  const servers = new Servers(http.tls)
  let api: Api | undefined
  try {
    const connection = makeConnection(parts, broker, log)
    const health = healthOf(parts, connection)
    api = await buildApi({ fleet, door, servers, health, bridge, joining, host, log: log.child({ component: 'api' }) })
    fleet.inventory.start()
    fleet.accounts.start()
    states.start()
    fleet.permits.start()
    const firstPassword = door.users.start()
    fleet.journal.note(newEvent('manager.started', `the manager has started, version ${health.version}`))
    fleet.journal.flush()
    const url = await listen(api, http, servers)
    connection.link.start()
    connection.ear?.start()
    connection.values.start()
    // A request to join that nobody hears is only made again after a while.
    if ('connect' in broker) await connection.link.settled()
    log.info({ url, devices: fleet.inventory.devices.size }, 'manager started')
    const closeApi = () => api?.close()
    let stopped: Promise<void> | undefined
    return {
      url,
      firstPassword,
      replaceTls: tls => servers.replace(tls),
      signingKeys: () => fleet.signing.keys(),
      invite: wish => invite(fleet, host, wish).token,
      stop() {
        stopped ??= stop(parts, connection, closeApi)
        return stopped
      },
    }
  } catch (error) {
    fleet.accounts.stop()
    fleet.inventory.stop()
    fleet.audit.stop()
    fleet.journal.stop()
    await api?.close()
    fleet.db.close()
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

function healthOf({ fleet: { db, inventory, publisher }, intake, commands }: Parts, { link, ear = link }: Connection): Health {
  return {
    version: readVersion(),
    checks: () => ({ database: db.isOpen, broker: link.hears && ear.hears }),
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

async function stop(
  { fleet, states, commands, joining }: Parts,
  { link, ear, values }: Connection,
  closeApi: () => Promise<unknown> | undefined,
): Promise<void> {
  const { db, journal, audit, inventory, publisher, permits, accounts } = fleet
  await closeApi()
  permits.stop()
  await Promise.all([ear?.stop(), values.stop()])
  const answered = joining?.stop()
  await states.stop()
  await link.stop()
  await commands.stop()
  await answered
  await publisher.idle()
  accounts.stop()
  inventory.stop()
  audit.stop()
  journal.stop()
  db.close()
}
