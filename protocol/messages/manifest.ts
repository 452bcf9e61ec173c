// Desired state of a device, a group or the fleet: manager → agents, retained.
import { bytes, field, flag, integer, list, type Of, oneOf, optional, record, text, uint, whole } from '../shape.js'
import { link } from './link.js'
import { appName, codec, digest, groupName, variable, version } from './message.js'

export const runStates = ['stopped', 'running'] as const
export type RunState = (typeof runStates)[number]

/** When the agent starts a service again that ended unexpectedly and whose compose file asks for no restart. */
export const restartPolicies = ['no', 'on-failure', 'always'] as const
export type RestartPolicy = (typeof restartPolicies)[number]

const policy = record({
  restart: optional(1, oneOf(restartPolicies, 'no')),
  /** How long a new revision may take, from its last start, until it counts as good. Absent: what its health checks need. */
  settleS: optional(2, integer(1, 86_400)),
  /** False: a revision that fails stays, and the one before does not come back. */
  rollBack: optional(3, flag),
})
export type Policy = Of<typeof policy>

/** A wish for newer images under the same tags: pulled once for each generation. */
const refresh = record({ generation: field(1, uint()), services: optional(2, list(text(255), 1000)) })
export type Refresh = Of<typeof refresh>

const desiredApp = record({
  name: field(1, appName),
  /** SHA-256 of the uncompressed spec. */
  digest: field(2, digest),
  run: field(3, oneOf(runStates, 'running')),
  /** The app's own revision number, counted from 1. */
  revision: field(4, uint()),
  refresh: optional(5, refresh),
  policy: optional(6, policy),
})
export type DesiredApp = Of<typeof desiredApp>

/** What an agent does with its apps when its device leaves the fleet. */
export const releaseModes = ['keep', 'remove'] as const
export type ReleaseMode = (typeof releaseModes)[number]

/** What is to go with an app that is no longer desired, beyond its containers and networks. */
const purge = record({ name: field(1, appName), volumes: optional(2, flag), images: optional(3, flag) })
export type Purge = Of<typeof purge>
/** Desired state of a device, of a group, or of the whole fleet, which names no apps. Written by the manager alone. */
const manifest = record({
  version: field(0, version),
  /** Which manager's database this comes from; revisions compare only within one. */
  instance: field(1, bytes(8, 8)),
  /** Grows with every manifest that this manager publishes. */
  revision: field(2, uint()),
  apps: field(3, list(desiredApp, 1000)),
  /** Device only: the groups that it is in. */
  groups: optional(4, list(groupName, 256)),
  /** Interval between heartbeats, in seconds; a device's own wins over the smallest of its groups'. */
  intervalS: optional(5, integer(1, 86_400)),
  /** Device only: it is no longer of the fleet. */
  release: optional(6, oneOf(releaseModes, 'keep')),
  /** Device only: epochs up to this one are spent; an agent at or below it starts a later one. */
  epochFloor: optional(7, uint()),
  /** Device only: variables for its compose files, made of its name and labels. */
  variables: optional(8, list(variable, 256)),
  /** Apps that were deleted with their volumes or images; said until the name is used again. */
  purges: optional(9, list(purge, 1000)),
  /** Patterns of the images that may run; absent: all. An image must be on every list that holds for its device. */
  images: optional(10, list(whole(512), 1000)),
  /** Device only: there is a manifest of the fleet, and nothing is done before it is held. */
  fleet: optional(11, flag),
  /** How the link is used; a device's own counts, then that of the first of its groups by name that has one. `intervalS` wins over its own. */
  link: optional(12, link),
  /** Device only: telemetry comes this many times more rarely, for the sake of its budget. */
  slow: optional(13, integer(2, 1_000)),
})
export type Manifest = Of<typeof manifest>

export const manifestCodec = codec(manifest, 128 * 1024)
