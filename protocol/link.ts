// Which settings of a link hold, of all that speak of it, and how long silence is borne under them; the agent goes by it, and the manager shows it. Pure.
import { type Link, profiles } from './messages/link.js'

/** What a device's or a group's manifest says of the link. */
export interface LinkWish {
  readonly link?: Link | undefined
  /** Between heartbeats; wins over the link's own. */
  readonly intervalS?: number | undefined
}

export interface LinkSources {
  readonly device: LinkWish
  /** Those of the device's groups, by name. */
  readonly groups: readonly LinkWish[]
  /** What the agent was started with: between heartbeats while nothing says otherwise. */
  readonly ownS?: number | undefined
  /** Telemetry comes so many times more rarely, for the sake of the budget. */
  readonly slow?: number | undefined
}

/** How long a device counts as alive after a sign of life: three missed heartbeats, and two seconds for the network. */
export function leaseMs(intervalS: number): number {
  return (3 * intervalS + 2) * 1000
}

/** A broker gives a client up after one and a half keep-alives without a packet (MQTT 3.1.1, 3.1.2.10): not before the lease is over. */
function shortestKeepaliveS(intervalS: number): number {
  return Math.ceil(leaseMs(intervalS) / 1500)
}

/** More would leave half-open connections for too long. */
export const longestIntervalS = 3_600
/** The broker that comes with the manager holds every client to it, whatever it asked for. */
export const longestKeepaliveS = shortestKeepaliveS(longestIntervalS)
const weekS = 7 * 86_400

/** The device's own wins, then the first of its groups'; of intervals the device's, then the smallest. */
export function settleLink({ device, groups, ownS = profiles.lan.intervalS, slow = 1 }: LinkSources): Link {
  const set = device.link ?? groups.find(({ link }) => link !== undefined)?.link
  const told = device.intervalS ?? smallest(groups.flatMap(({ intervalS }) => intervalS ?? []))
  return slowedLink(withInterval(set ?? profiles.lan, told ?? set?.intervalS ?? ownS), slow)
}

/** The keep-alive is no shorter than what goes with the interval. */
export function withInterval(link: Link, wantedS: number): Link {
  const intervalS = Math.min(longestIntervalS, wantedS)
  return { ...link, intervalS, keepaliveS: Math.min(longestKeepaliveS, Math.max(link.keepaliveS, shortestKeepaliveS(intervalS))) }
}

/**
 * Telemetry comes `times` more rarely, but still every week; heartbeats and what asks for an answer stay. So do the accounts of bytes:
 * `times` is chosen by them.
 */
function slowedLink(link: Link, times: number): Link {
  if (times === 1) return link
  return {
    ...link,
    metricsS: Math.min(weekS, Math.max(link.metricsS, link.intervalS) * times),
    reportMs: Math.min(weekS * 1000, link.reportMs * times),
  }
}

function smallest(numbers: readonly number[]): number | undefined {
  return numbers.length === 0 ? undefined : Math.min(...numbers)
}
