// The fleet as plain data: devices, targets and apps, as every other file of the manager speaks of them.
import type { Link } from '../../protocol/messages/link.js'
import type { Policy, Purge, Refresh, ReleaseMode, RunState } from '../../protocol/messages/manifest.js'
import type { Reported } from '../../protocol/messages/reported.js'
import type { Facts } from '../../protocol/messages/status.js'
import { type DeviceState, noSigns, type Reason, type Signs } from './liveness.js'

/** What apps are deployed to. `name` is a device's id or a group's name. */
export interface Target {
  readonly kind: 'device' | 'group'
  readonly name: string
}

/** Whom something is published for: a target, or every device: the fleet's manifest, and the chain of keys. These two have no name. */
export interface Addressee {
  readonly kind: Target['kind'] | 'fleet' | 'keys'
  readonly name: string
}

export interface Metrics {
  readonly uptimeS: number
  readonly cpuPercent: number
  readonly memoryUsedMiB: number
  readonly diskUsedPercent: number
  readonly load: number
  readonly temperatureC: number | null
}

/** One device. The first block is the manager's and its users'; the rest is what the device said or what follows from it. */
export interface Device {
  readonly id: string
  readonly registeredAt: number
  /** Given by a user; null: the name that the device gives itself. */
  name: string | null
  description: string
  labels: Readonly<Record<string, string>>
  /** The interval between heartbeats that is desired; null: the agent's own. */
  intervalS: number | null
  /** Epochs up to this one are spent; null if none is. */
  epochFloor: number | null

  signs: Signs
  state: DeviceState
  reason: Reason
  /** Wall clock, when state or reason last changed. */
  since: number
  /** Wall clock, when a live sign last came. */
  lastSeen: number | null
  facts: Facts | null
  metrics: Metrics | null
  /** The newest manifest that the device said it holds. */
  held: number
  reported: Reported | null
  /** Of the message by which that report came, or the changes that made it; null if it isn't known. */
  reportStamp: Uint8Array | null
  /** Wall clock, since when it changes no container for want of a permit; null while it may. */
  heldSince: number | null
  /** The service states of the newest heartbeat that told them, and the report whose order they follow. */
  serviceStates: { readonly start: number; readonly sequence: number; readonly states: Uint8Array } | null
}

/** An app as it is desired of its target. */
export interface App {
  readonly id: number
  readonly target: Target
  readonly name: string
  /** The current revision and its spec's digest. */
  readonly revision: number
  readonly digest: string
  /** The name that people gave that text; null if nobody did. */
  readonly version: string | null
  readonly run: RunState
  readonly services: readonly string[]
  /** The newest wish for newer images; null if there was none since the app was made. */
  readonly refresh: Refresh | null
  /** What differs from the default. */
  readonly policy: Policy
  /** Its target's manifest that was the first to tell what is desired of it now; 0 where that was not noted yet. */
  readonly manifest: number
  readonly createdAt: number
  readonly updatedAt: number
}

/** What one manifest is made of. */
export interface DesiredTarget {
  readonly target: Addressee
  readonly revision: number
  readonly apps: readonly App[]
  /** Patterns of the images that may run; null: all. */
  readonly images: readonly string[] | null
  /** How the link is to be used; null: not said here. */
  readonly link: Link | null
  /** How many times more rarely the device's telemetry comes, for the sake of its budget; null: as usual. */
  readonly slow: number | null
  /** There is a manifest of the fleet. */
  readonly fleet: boolean
  readonly purges: readonly Purge[]
  readonly groups: readonly string[]
  readonly intervalS: number | null
  readonly epochFloor: number | null
  readonly release: ReleaseMode | null
  /** What a user named the device; null if nobody did. */
  readonly givenName: string | null
  readonly labels: Readonly<Record<string, string>>
}

/** The name that people see. */
export function nameOf(device: Device): string {
  return device.name ?? device.facts?.name ?? device.id
}

/** The target as events name it. */
export function aboutTarget({ kind, name }: Target): { device: string } | { group: string } {
  return kind === 'device' ? { device: name } : { group: name }
}

/** Such as `revision 4 of web` or `revision 4 of web (1.4.0)`. */
export function titleOf({ name, revision, version }: Pick<App, 'name' | 'revision' | 'version'>): string {
  return `revision ${revision} of ${name}${version === null ? '' : ` (${version})`}`
}

/** For maps of targets: `device/press-7`. */
export function keyOf({ kind, name }: Addressee): string {
  return `${kind}/${name}`
}

/** All that is for a device: itself, then its groups. */
export function targetsOf(device: string, groups: readonly string[]): Target[] {
  return [{ kind: 'device', name: device }, ...groups.map(name => ({ kind: 'group', name }) as const)]
}

/** A device that has said nothing yet. */
export function newDevice(
  id: string,
  facts: Facts | null,
  { now, monotonic }: { readonly now: number; readonly monotonic: number },
): Device {
  return {
    id,
    registeredAt: now,
    name: null,
    description: '',
    labels: {},
    intervalS: null,
    epochFloor: null,
    signs: noSigns(monotonic),
    state: 'Unknown',
    reason: 'NeverSeen',
    since: now,
    lastSeen: null,
    facts,
    metrics: null,
    held: 0,
    reported: null,
    reportStamp: null,
    heldSince: null,
    serviceStates: null,
  }
}
