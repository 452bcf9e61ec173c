// Who is let in: CONNECT, log-in and take-over. What follows a CONNECT is not read before this is done; see frames.ts.
import { randomUUID } from 'node:crypto'
import type { AuthenticateError, Client } from 'aedes'
import type { Access } from '../protocol/access.js'
import type { Clock } from '../protocol/clock.js'
import { deviceOfClientId } from '../protocol/topics.js'
import { type Introduction, introduce, isInProcess, type Refusal, sessionIdOf, userOfSessionId } from './admission.js'
import { may, type Principal } from './auth.js'
import type { Engine } from './engine.js'
import type { Guest, Guests } from './guests.js'
import type { Connect } from './internals.js'
import type { Joiners } from './joiners.js'
import type { BrokerLimits } from './limits.js'
import type { Reporter } from './reporter.js'
import { Runs, runOf } from './runs.js'

interface DoorParts {
  readonly root: string
  readonly access: Access | undefined
  readonly limits: BrokerLimits
  readonly clock: Clock
  readonly guests: Guests
  readonly reporter: Reporter
  readonly joiners: Joiners
  /** Whether a client may have a persistent session: it has one, or there is room for one more. */
  readonly sessionFits: (clientId: string) => boolean
  /** The engine that this is the door of; it is made later. */
  readonly engine: () => Engine
}

interface Caller {
  readonly packet: Connect
  readonly introduction: Introduction
}

type Authenticated = (error: AuthenticateError | null, success: boolean | null) => void

const longestName = 256

export class Door {
  readonly #parts: DoorParts
  readonly #callers = new WeakMap<Client, Caller>()
  readonly #runs = new Runs()

  constructor(parts: DoorParts) {
    this.#parts = parts
  }

  /** The first look at a CONNECT, and what is to be changed in it. */
  receive(client: Client, packet: Connect): void {
    const { limits, root, access, clock, guests } = this.#parts
    packet.keepalive = packet.keepalive === 0 ? limits.keepaliveS : Math.min(packet.keepalive, limits.keepaliveS)
    const introduction = introduce({ ...packet, ...guests.visitOf(client) }, { root, access, now: clock.now() })
    // It does nothing but renew: what it would leave behind for others it may not.
    if (introduction.kind === 'known' && introduction.principal.kind === 'lapsed') delete packet.will
    // Without an id there is no session; it gets one all the same, so that its will is known for its own after a restart.
    packet.clientId = sessionIdOf(introduction, packet.clientId === '' && introduction.kind === 'user' ? randomUUID() : packet.clientId)
    this.#callers.set(client, { packet, introduction })
  }

  authenticate(client: Client, done: Authenticated): void {
    const caller = this.#callers.get(client)
    if (caller === undefined) {
      done(null, false)
      return
    }
    this.#judge(client, caller, refusal => {
      if (refusal === undefined) done(null, true)
      else done(Object.assign(new Error(refusal.reason), { returnCode: refusal.returnCode }) as AuthenticateError, false)
    })
  }

  /** A connection that has been let in takes its place, and that of `old`, whose connection was still open. */
  seat(client: Client, old: Client | undefined): void {
    const { guests } = this.#parts
    const guest = guests.find(client)
    if (guest?.principal.kind === 'device') this.#runs.enter(guest.principal.device, guest.run, guests.find(old)?.run)
  }

  /** Whether a client that an earlier run let in has ended with it: it was in the same process. Where everybody may have any id nobody knows. */
  wasInProcess(clientId: string): boolean {
    return this.#parts.access !== undefined && isInProcess(clientId)
  }

  /** Whether the will of a client that an earlier run of the broker let in may be published now. */
  mayStillSay(clientId: string, topic: string): boolean {
    const { root, access } = this.#parts
    const device = deviceOfClientId(clientId)
    if (device === undefined) return access === undefined || this.wasInProcess(clientId) || this.#mayUserSay(access, clientId, topic)
    return may({ kind: 'device', device, root, groups: new Set() }, 'will', topic)
  }

  #mayUserSay(access: Access, clientId: string, topic: string): boolean {
    const user = access.user(userOfSessionId(clientId) ?? '')
    return user !== undefined && may({ kind: 'user', user, root: this.#parts.root }, 'will', topic)
  }

  /** Only who has a password has to wait for the verdict. */
  #judge(client: Client, { packet, introduction }: Caller, give: (refusal: Refusal | undefined) => void): void {
    const settle = (refusal: Refusal | undefined): void => {
      if (refusal !== undefined) this.#tell(client, packet, refusal)
      give(refusal)
    }
    if (introduction.kind === 'refused') settle(introduction)
    else if (introduction.kind === 'known') settle(this.#admit(client, packet, introduction.principal))
    else {
      void this.#logIn(introduction, this.#parts.guests.visitOf(client).address).then(outcome =>
        settle('reason' in outcome ? outcome : this.#admit(client, packet, outcome)),
      )
    }
  }

  async #logIn({ name, password }: Introduction & { kind: 'user' }, address: string): Promise<Principal | Refusal> {
    const { access, root, limits, clock, reporter } = this.#parts
    let cancel = (): void => {}
    const late = new Promise<undefined>(resolve => {
      cancel = clock.after(limits.logInMs, () => resolve(undefined))
    })
    try {
      const answer = await Promise.race([access?.logIn(name, password, address), late])
      if (answer?.ok) return { kind: 'user', user: answer.value, root }
      const refused = answer !== undefined && answer.refusals[0].code !== 'auth.limited'
      return refused ? { returnCode: 4, reason: 'login-refused' } : { returnCode: 3, reason: 'login-busy' }
    } catch (error) {
      reporter.fail('cannot look at a password', error)
      return { returnCode: 3, reason: 'login-busy' }
    } finally {
      cancel()
    }
  }

  /** Undefined if the principal is let in, which it is then. */
  #admit(client: Client, packet: Connect, principal: Principal): Refusal | undefined {
    const { guests, joiners } = this.#parts
    const guest: Guest = { visit: guests.visitOf(client), principal, run: runOf(packet.username) }
    const refusal = this.#refuse(packet, guest)
    if (refusal !== undefined || client.conn.destroyed) return refusal
    guests.enter(client, guest)
    if (principal.kind === 'joiner') joiners.enter(client.conn)
    return undefined
  }

  #refuse(packet: Connect, guest: Guest): Refusal | undefined {
    const { clientId, clean, will } = packet
    const { principal, visit } = guest
    const held = this.#refuseBeside(this.#parts.guests.find(this.#parts.engine().peers[clientId]), guest)
    if (held !== undefined) return held
    if (principal.kind === 'joiner' && !this.#parts.joiners.admits(visit.address)) return { returnCode: 3, reason: 'join-rate' }
    if (will !== undefined && !(isTopicName(will.topic) && may(principal, 'will', will.topic))) {
      return { returnCode: 5, reason: 'will-denied' }
    }
    return clean || this.#parts.sessionFits(clientId) ? undefined : { returnCode: 3, reason: 'sessions-full' }
  }

  /** Whether the one who holds the client id now keeps it. */
  #refuseBeside(holder: Guest | undefined, { principal, visit, run }: Guest): Refusal | undefined {
    if (holder === undefined) return undefined
    if (holder.visit.trusted && !visit.trusted) return { returnCode: 2, reason: 'id-refused' }
    const isProof = principal.kind === 'device' && this.#runs.isProof(principal.device, run, holder.run)
    return isProof ? { returnCode: 2, reason: 'identity-conflict', holder: holder.visit.address } : undefined
  }

  #tell(client: Client, packet: Connect, { reason, detail, holder }: Refusal): void {
    const { guests, reporter } = this.#parts
    const { address, shown } = guests.visitOf(client)
    const who = (shown?.name || packet.username || packet.clientId || address).slice(0, longestName)
    if (holder !== undefined) reporter.conflict(who, [holder, address])
    else reporter.refuse(reason, { source: shown?.genuine ? shown.name : address, who, address }, detail)
  }
}

function isTopicName(topic: string): boolean {
  return topic !== '' && !/[+#]/.test(topic)
}
