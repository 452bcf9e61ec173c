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
