// Is the broker still there? A QoS 0 heartbeat proves nothing to its sender, so each lease needs one answer.

/** Three missed heartbeats and two seconds for the network. */
export function leaseMs(intervalS: number): number {
  return (3 * intervalS + 2) * 1000
}

export type LinkVerdict = 'alive' | 'ask' | 'dead'

/** `silentMs`: since the broker last answered anything. Asked from half a lease on, given up after a whole one. */
export function judgeSilence(silentMs: number, lease: number): LinkVerdict {
  if (silentMs >= lease) return 'dead'
  return silentMs >= lease / 2 ? 'ask' : 'alive'
}

/** The broker that comes with the manager holds every client to this keep-alive, whatever it asked for. */
const longestKeepaliveS = 1200

/** The MQTT keep-alive to ask for: a ping is only sent where heartbeats are rarer than that. */
export function keepaliveS(lease: number): number {
  return Math.min(longestKeepaliveS, Math.ceil(lease / 1000))
}
