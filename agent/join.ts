// A device joins a fleet: it looks at the server, asks for a certificate, waits for a person where one has to decide, and keeps what it gets.
import { lookup } from 'node:dns'
import type { Logger } from 'pino'
import { type Clock, systemClock } from '../protocol/clock.js'
import { isErrorCode, SkerryError, unwrap } from '../protocol/errors.js'
import { fingerprint } from '../protocol/fingerprint.js'
import { type JoinAnswer, joinRequestCodec } from '../protocol/join.js'
import type { JoinToken } from '../protocol/join-token.js'
import { protocolVersion } from '../protocol/messages/message.js'
import { formatTopic, joinClientIdOf } from '../protocol/topics.js'
import { meetServer } from './acquaintance.js'
import { backoffMs } from './core/backoff.js'
import { readFacts } from './facts.js'
import { Identity } from './identity/identity.js'
import { findAuthority } from './identity/probe.js'
import { visit } from './identity/visit.js'
import { openDisk } from './open-disk.js'
import { pause } from './pause.js'
import type { BrokerAddress, SeenServer } from './reach.js'
import { agentVersion } from './version.js'

export interface JoinOptions {
  /** The state folder; made if it isn't there. */
  readonly folder: string
  readonly root: string
  /** User name, password and authority only for a broker of somebody's own: there the token proves the answer alone. */
  readonly broker: BrokerAddress
  readonly token?: JoinToken
  readonly fleetKey?: string
  readonly name?: string
  readonly engineVersion?: string
  /** Whether a server that cannot be reached is tried again. */
  readonly patient: boolean
  readonly log: Logger
  readonly clock?: Clock
  readonly signal: AbortSignal
  readonly onEvent: (event: JoinEvent) => void
}

/** What a person at the terminal may want to know while the device joins. */
export type JoinEvent =
  /** The server is there; `ca` is the fingerprint of its authority. */
  | { readonly kind: 'found'; readonly ca: string }
  /** A person has to decide about `key`. */
  | { readonly kind: 'pending'; readonly key: string; readonly ca: string }
  /** It is tried again. */
  | { readonly kind: 'failed'; readonly error: SkerryError }

export interface Joined {
  readonly id: string
}

const retries = { firstMs: 1_000, maxMs: 30_000 }
/** A server that was there once is there: the link to it may lose packets. */
const lossyTries = 5

/** Throws the server's refusal, `ca.mismatch`, `state.in-use`, `config.invalid`, or, if not patient, `broker.unavailable`. */
export async function joinFleet(options: JoinOptions): Promise<Joined> {
  const { folder, clock = systemClock, log, signal } = options
  checkUrl(options.broker)
  const disk = await openDisk(folder, { clock, log, signal })
  try {
    const identity = new Identity(disk.folder, log)
    let hasFound = false
    const onEvent = (event: JoinEvent): void => {
      hasFound ||= event.kind === 'found'
      options.onEvent(event)
    }
    for (let failures = 1; ; failures++) {
      try {
        const joined = await join({ ...options, onEvent }, disk.id, identity)
        // A manager that had forgotten this device would take all that it ever told for new.
        disk.dropCount()
        return joined
      } catch (error) {
        if (!(error instanceof SkerryError) || !mayTryAgain(error, options.patient || (hasFound && failures < lossyTries))) throw error
        onEvent({ kind: 'failed', error })
        await pause(clock, backoffMs(failures, retries, Math.random()), signal)
        signal.throwIfAborted()
      }
    }
  } finally {
    disk.close()
  }
}

/** A server that is busy answers later in any case. */
function mayTryAgain(error: SkerryError, patient: boolean): boolean {
  return error.code === 'join.busy' || (patient && error.retryable)
}

/** What is secret goes over TLS, or to a broker of somebody's own: on this machine, or reached without TLS on purpose. */
function checkUrl({ url, username }: BrokerAddress): void {
  if (/^(mqtts|wss):\/\/./.test(url)) return
  if (/^(mqtt|ws):\/\/./.test(url) && (username !== undefined || /\/\/(localhost|127\.0\.0\.1|\[::1\])[:/]/.test(`${url}/`))) return
  throw new SkerryError('config.invalid', `${JSON.stringify(url)} is no URL to join at: use mqtts://HOST:8883 as the server says it`)
}

async function join(options: JoinOptions, device: string, identity: Identity): Promise<Joined> {
  const { folder, broker, root, token, signal, onEvent, log, clock = systemClock } = options
  const own = isOwn(broker)
  const authority = own ? undefined : await findAuthority(broker.url, token?.ca, signal)
  const ca = authority === undefined ? token?.ca : fingerprint(authority.raw)
  if (ca !== undefined) onEvent({ kind: 'found', ca })
  const key = identity.keyName
  let told = false
  let met: SeenServer | undefined
  const note = (server: SeenServer): void => {
    met = server
  }
  const answer = await visit({
    broker: { ...broker, ca: authority?.toString() ?? broker.ca, memory: { lookup, floorMs: () => 0, note } },
    clientId: joinClientIdOf(key),
    askOn: formatTopic(root, { kind: 'join', key, channel: 'request' }),
    answerOn: formatTopic(root, { kind: 'join', key, channel: 'answer' }),
    request: requestOf(options, device, identity),
    onPending: () => {
      if (!told) onEvent({ kind: 'pending', key, ca: ca ?? '' })
      told = true
    },
    signal,
    clock,
  })
  take(answer, { identity, device, server: broker.url, ca, now: clock.now() })
  // The first session may have to do without DNS.
  if (met !== undefined) meetServer({ folder, log, clock, ownNotBeforeMs: () => identity.notBeforeMs }, met)
  return { id: device }
}

/** Whether a broker of somebody's own is used: it has certificates of its own, or none. */
function isOwn({ url, username, ca }: BrokerAddress): boolean {
  return username !== undefined || ca !== undefined || /^(mqtt|ws):/.test(url)
}

function requestOf({ token, fleetKey, name, engineVersion = '' }: JoinOptions, device: string, identity: Identity): Buffer {
  return joinRequestCodec.encode({
    version: protocolVersion,
    csr: identity.createRequest(device),
    device,
    facts: readFacts({ name, agentVersion, engineVersion }),
    ...(token === undefined ? {} : { token: token.secret }),
    ...(fleetKey === undefined ? {} : { fleetKey }),
  })
}

interface Taking {
  readonly identity: Identity
  readonly device: string
  readonly server: string
  readonly ca: string | undefined
  readonly now: number
}

function take({ fault, chain, keys, time }: JoinAnswer, { identity, device, server, ca, now }: Taking): void {
  if (fault !== undefined) throw new SkerryError(isErrorCode(fault.code) ? fault.code : 'internal', fault.message, { path: fault.path })
  if (chain === undefined || keys === undefined || keys.length === 0) {
    throw new SkerryError('certificate.invalid', 'the server has answered without a certificate or without the keys that it signs with')
  }
  unwrap(identity.join({ chain, device, now, time }, { server, ca, keys }))
}
