// How the agent uses its link: its device's settings, those of its groups, or the profile of a local network.
import { type Link, profiles } from '../../protocol/messages/link.js'
import type { Manifest } from '../../protocol/messages/manifest.js'

/** `ownS`: seconds between heartbeats while no manifest says otherwise. */
export interface LinkSources {
  readonly device: Manifest | undefined
  readonly groups: ReadonlyMap<string, Manifest>
  readonly ownS: number | undefined
}

const longestKeepaliveS = 65_535
const weekS = 7 * 86_400

/** What holds now. How much telemetry is slowed down for a budget is in its times already. Groups that the device isn't in are ignored. */
export function effectiveLink({ device, groups, ownS = profiles.lan.intervalS }: LinkSources): Link {
  const joined = [...(device?.groups ?? [])].sort().flatMap(name => groups.get(name) ?? [])
  const set = device?.link ?? joined.find(({ link }) => link !== undefined)?.link
  const told = device?.intervalS ?? smallest(joined.flatMap(({ intervalS }) => intervalS ?? []))
  const link = withInterval(set ?? profiles.lan, told ?? set?.intervalS ?? ownS)
  return slowedLink(link, device?.slow ?? 1)
}

/** The broker is asked for an answer no more often than with every other heartbeat. */
function withInterval(link: Link, intervalS: number): Link {
  return { ...link, intervalS, keepaliveS: Math.min(longestKeepaliveS, Math.max(link.keepaliveS, 2 * intervalS)) }
}

/** Telemetry comes `times` more rarely, but still every week; heartbeats and what asks for an answer stay. */
function slowedLink(link: Link, times: number): Link {
  if (times === 1) return link
  return {
    ...link,
    metricsS: Math.min(weekS, Math.max(link.metricsS, link.intervalS) * times),
    reportMs: Math.min(weekS * 1000, link.reportMs * times),
    usageS: Math.min(weekS, link.usageS * times),
  }
}

function smallest(numbers: readonly number[]): number | undefined {
  return numbers.length === 0 ? undefined : Math.min(...numbers)
}
