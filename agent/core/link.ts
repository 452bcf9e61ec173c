// How the agent uses its link, from the manifests that it holds.
import { settleLink } from '../../protocol/link.js'
import type { Link } from '../../protocol/messages/link.js'
import type { Manifest } from '../../protocol/messages/manifest.js'

interface HeldManifests {
  readonly device: Manifest | undefined
  readonly groups: ReadonlyMap<string, Manifest>
  /** The agent's own interval between heartbeats. */
  readonly ownS: number | undefined
}

/** What holds now, slowed down for a budget where that is asked for. Groups that the device isn't in are ignored. */
export function effectiveLink({ device, groups, ownS }: HeldManifests): Link {
  const joined = [...(device?.groups ?? [])].sort().flatMap(name => groups.get(name) ?? [])
  return settleLink({ device: device ?? {}, groups: joined, ownS, slow: device?.slow })
}
