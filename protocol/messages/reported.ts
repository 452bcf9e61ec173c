// What runs on a device: agent → manager, retained, on change.
import { bytes, field, integer, list, type Of, oneOf, optional, record, text, uint } from '../shape.js'
import { serviceStates } from './heartbeat.js'
import { appName, codec, digest, fault, groupName, version } from './message.js'

export const appStates = ['unknown', 'running', 'partial', 'stopped', 'updating', 'failed', 'rolled-back', 'removing', 'held'] as const
export type AppState = (typeof appStates)[number]

export const maxApps = 1000
export const maxServices = 1000
/** The most bytes of a report. */
export const maxReportBytes = 512 * 1024

export const serviceFields = {
  name: field(1, text(255)),
  state: field(2, oneOf(serviceStates, 'unknown')),
  image: field(3, text(512)),
  exitCode: optional(4, integer(-1, 255)),
  restarts: optional(5, uint()),
  /** Published ports, such as `0.0.0.0:8080->80/tcp`. */
  ports: optional(6, list(text(80), 256)),
  /** The first 12 hex digits of the container's id. */
  container: optional(7, text(12)),
  /** While its image is pulled: bytes that have come, and bytes of all layers known so far. */
  pulledBytes: optional(8, uint(Number.MAX_SAFE_INTEGER)),
  pullBytes: optional(9, uint(Number.MAX_SAFE_INTEGER)),
  /** The image's digest in its registry, such as `sha256:…`; its local id where it has none. */
  digest: optional(10, text(80)),
  /** Where more or fewer containers than one are wanted: how many run, and how many should. */
  running: optional(11, uint(10_000)),
  scale: optional(12, uint(10_000)),
}
export const reportedService = record(serviceFields)
export type ReportedService = Of<typeof reportedService>

export const appFields = {
  name: field(1, appName),
  /** The group that the app comes from; absent if it is the device's own. */
  group: optional(2, groupName),
  /** The app's revision that the containers are of. */
  revision: field(3, uint()),
  digest: optional(4, digest),
  state: field(5, oneOf(appStates, 'unknown')),
  fault: optional(6, fault),
  /** The revision that failed here and is not tried again until something changes; the fault says why. */
  failedRevision: optional(8, uint()),
  /** The newest refresh that has been done, or given up. */
  refreshed: optional(9, uint()),
}
export const reportedApp = record({ ...appFields, services: field(7, list(reportedService, maxServices)) })
export type ReportedApp = Of<typeof reportedApp>

const heldGroup = record({ name: field(1, groupName), revision: field(2, uint()) })

/** Why the device changes no container. */
const hold = record({
  /** Whose permit: the device's or a group's. `owner`: its owner wants one, and there is none. */
  by: field(1, oneOf(['device', 'group', 'owner'], 'owner')),
  group: optional(2, groupName),
  /** `withheld`: it is 0. `lapsed`: its lease is over. `missing`: there is none, or no broker that it could come from. */
  why: field(3, oneOf(['withheld', 'lapsed', 'missing'], 'missing')),
  /** Who gave it, in their own words. */
  who: optional(4, text(128)),
  /** By the device's clock, whole seconds since 1970; absent as long as that is certainly wrong. The same for as long as the same holds the device. */
  since: optional(5, uint(Number.MAX_SAFE_INTEGER)),
})
export type Hold = Of<typeof hold>
export const holdCodec = codec(hold, 1024)

/** What tells of the device as a whole, but for the apps. */
export const reportedFields = {
  /** The manager's instance whose manifest the agent holds; absent before the first one. */
  instance: optional(2, bytes(8, 8)),
  /** Revision of the device's own manifest that the agent holds, 0 before the first one. */
  revision: field(3, uint()),
  groups: field(4, list(heldGroup, 256)),
  /** Faults of the device as a whole: manifests that it could not follow, apps of the same name. */
  faults: optional(6, list(fault, 64)),
  /** Revision of the fleet's manifest held; absent if none is. */
  fleet: optional(7, uint()),
  /** Which signing key it goes by: see keys.ts. */
  key: optional(8, bytes(8, 8)),
  /** Nothing is changed for want of a permit; absent: it may be. */
  hold: optional(9, hold),
  /** The number of the agent's start, which its epochs begin with: sequence numbers compare only within one. */
  start: optional(10, uint(0xffff)),
}

/** What runs on a device. Written by the agent; services stand in the order that heartbeats use. */
const reported = record({
  version: field(0, version),
  sequence: field(1, uint()),
  ...reportedFields,
  apps: field(5, list(reportedApp, maxApps)),
})
export type Reported = Of<typeof reported>

export const reportedCodec = codec(reported, maxReportBytes)
