// Looks again at everybody who is in when the fleet's devices or users have changed, and ends the connections that may no longer be.
import type { Client } from 'aedes'
import type { Access, User } from '../protocol/access.js'
import { may, type Principal } from './auth.js'
import type { Guest, Guests } from './guests.js'
import type { Peer } from './internals.js'
import type { Reporter } from './reporter.js'
import type { GuardedPersistence } from './storage.js'

interface ReviewParts {
  readonly access: Access
  readonly guests: Guests
  readonly reporter: Reporter
  readonly store: GuardedPersistence
}

type UserGuest = Guest & { readonly principal: Principal & { readonly kind: 'user' } }

/** Returns how to end it. */
export function startReviews(parts: ReviewParts): () => void {
  let turn: NodeJS.Immediate | undefined
  const stop = parts.access.onChange(() => {
    // Several changes in one turn are looked at once.
    turn ??= setImmediate(() => {
      turn = undefined
      for (const [client, guest] of parts.guests.all()) review(parts, client, guest)
    })
  })
  return () => {
    stop()
    clearImmediate(turn)
  }
}

function review(parts: ReviewParts, client: Client, guest: Guest): void {
  const { principal } = guest
  switch (principal.kind) {
    case 'user':
      reviewUser(parts, client, { ...guest, principal })
      return
    case 'device':
    case 'lapsed':
      if (!parts.access.device(principal.device, keyOf(guest)).ok) cut(parts, client, 'certificate-revoked')
      return
    case 'leaving':
      if (!parts.access.leaving(principal.device, keyOf(guest))) cut(parts, client, 'certificate-revoked')
      return
    case 'manager':
    case 'operator':
    case 'joiner':
      return
  }
}

function keyOf({ visit }: Guest): string {
  return visit.shown?.key ?? ''
}

function reviewUser(parts: ReviewParts, client: Client, { principal, ...guest }: UserGuest): void {
  const user: User | undefined = parts.access.user(principal.user.name)
  if (user === undefined || user.proof !== principal.user.proof) {
    cut(parts, client, 'login-ended')
    return
  }
  const now: Principal = { ...principal, user }
  parts.guests.change(client, { ...guest, principal: now })
  const left = (client as Peer).will?.topic
  if (left !== undefined && !may(now, 'will', left)) dropWill(parts, client)
  const lost = Object.keys((client as Peer).subscriptions).filter(filter => !may(now, 'subscribe', filter))
  if (lost.length === 0) return
  // It will come and ask again, and hear which of them it no longer gets.
  if (!client.clean) void parts.store.removeSubscriptions({ id: client.id }, lost)
  cut(parts, client, 'login-ended')
}

/** Who has to leave says nothing more, not even by a will. */
function cut({ guests, reporter, store }: ReviewParts, client: Client, reason: 'certificate-revoked' | 'login-ended'): void {
  const who = guests.nameOf(client)
  reporter.refuse(reason, { source: who, who, address: guests.visitOf(client).address })
  dropWill({ store }, client)
  client.conn.destroy()
}

function dropWill({ store }: Pick<ReviewParts, 'store'>, client: Client): void {
  const peer = client as Peer
  peer.will = null
  void store.delWill(peer)
}
