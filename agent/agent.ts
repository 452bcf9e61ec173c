// One device's agent: keeps what is desired on disk, makes it so with Docker, and says how it is.
import { resolve } from 'node:path'
import type { Logger } from 'pino'
import { type Clock, systemClock } from '../protocol/clock.js'
import { unwrap } from '../protocol/errors.js'
import type { ReleaseMode } from '../protocol/messages/manifest.js'
import { checkRoot } from '../protocol/topics.js'
import type { BackoffLimits } from './core/backoff.js'
import type { PermitMode } from './core/hold.js'
import type { Identity } from './identity/identity.js'
import { openDisk } from './open-disk.js'
import { Permits, type PolicySource } from './permits.js'
import { type BrokerAddress, checkAddress } from './reach.js'
import { RunningAgent } from './running.js'
import type { SigningKeys } from './signing-keys.js'

export interface AgentOptions {
  /** The state folder; made if it isn't there. */
  readonly folder: string
  /** Root of the topics. */
  readonly root: string
  readonly broker: BrokerAddress
  /** What the device shows of itself at a broker that asks for certificates; it is renewed in time. */
  readonly identity?: Identity
  /** What the manager's messages are checked with. */
  readonly keys: SigningKeys
  /** Where the Docker Engine is: a socket's path, or a `unix://`, `tcp://` or `http://` URL. */
  readonly engine: string
  /** What the device calls itself; by default its host name. */
  readonly name?: string
  readonly log: Logger
  readonly clock?: Clock
  /** Seconds between heartbeats while no manifest says otherwise; 10 by default. */
  readonly intervalS?: number
  /** Delays between attempts to connect; 1 s to 60 s by default, and never more than half a lease. */
  readonly retries?: BackoffLimits
  /** What the device's owner allows; without it what holds where there is no policy. */
  readonly policy?: PolicySource
  /** Whether containers are changed without a permit, which is so by default: the owner's fail-safe. */
  readonly permit?: PermitMode
  /** Ends a start that waits for room on the disk. */
  readonly signal?: AbortSignal
}

export interface Agent {
  readonly id: string
  /** Resolves when the device has been released from its fleet: the agent has then stopped and forgotten what was desired. */
  readonly released: Promise<ReleaseMode>
  /** Says goodbye and disconnects. Containers keep running. */
  stop(reason?: 'Stopped'): Promise<void>
}

/** Throws `state.in-use` and `config.invalid`; whatever else is not there yet (broker, Engine, room on the disk) is waited for. */
export async function startAgent(options: AgentOptions): Promise<Agent> {
  unwrap(checkRoot(options.root))
  checkAddress(options.broker.url)
  const { clock = systemClock, log, signal = new AbortController().signal } = options
  const permits = await Permits.open({
    source: options.policy,
    folder: resolve(options.folder),
    engine: options.engine,
    clock,
    log: log.child({ part: 'policy' }),
  })
  const disk = await openDisk(options.folder, { clock, log: log.child({ part: 'disk' }), signal })
  const running = new RunningAgent(options, disk, permits)
  running.start()
  return { id: running.id, released: running.released, stop: () => running.stop('Stopped') }
}
