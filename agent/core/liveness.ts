// Is the broker still there? A QoS 0 heartbeat proves nothing to its sender, so now and then one is to be acknowledged.
import { longestKeepaliveS } from '../../protocol/link.js'
import type { Link } from '../../protocol/messages/link.js'

/** The MQTT keep-alive to ask for. */
export function keepaliveOf({ keepaliveS }: Pick<Link, 'keepaliveS'>): number {
  return Math.min(longestKeepaliveS, keepaliveS)
}

/** Time to the next heartbeat, ms: heartbeats are the only packets that the broker is sure to get within the keep-alive. */
export function spacingMs(link: Pick<Link, 'intervalS' | 'keepaliveS'>): number {
  return Math.min(link.intervalS, keepaliveOf(link)) * 1000
}

/** Silence of the broker, in keep-alives, within which it is to be asked for an answer. What is left until it is given up is for the answer's way. */
const askWithin = 1.3
/** As the broker does with its clients: MQTT 3.1.1, 3.1.2.10. */
const giveUpAfter = 1.5

/** Whether the heartbeat that is due asks for an answer, `silentMs` after the broker's last sign: the next one would be too late. */
export function asksNow(silentMs: number, link: Pick<Link, 'intervalS' | 'keepaliveS'>): boolean {
  return silentMs + spacingMs(link) > askWithin * keepaliveOf(link) * 1000
}

/** A broker that has been silent for so long is no longer there, whatever the socket says. */
export function patienceMs(link: Pick<Link, 'keepaliveS'>): number {
  return giveUpAfter * keepaliveOf(link) * 1000
}

/** How long an attempt to connect may take. On a link that loses packets the handshakes take a while; on a good one another address may be the right one. */
export function connectMs(lease: number): number {
  return Math.min(60_000, Math.max(30_000, lease))
}

/**
 * How long after its answer to a SUBSCRIBE what a broker has retained may still come. It follows at once, but on a link that loses packets
 * TCP may need several tries; the lease says what kind of link it is. That there is nothing is known then.
 */
export function retainedMs(lease: number): number {
  return Math.min(60_000, Math.max(2_000, lease / 16))
}
