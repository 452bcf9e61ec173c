// The messages on Skerry's topics: their shapes, their limits, and who writes each field. topics.md shows them byte by byte.
import { type Result, refuse } from './errors.js'

import { isName } from './names.js'
import {
  bytes,
  decodeMessage,
  encodeMessage,
  field,
  flag,
  integer,
  list,
  matching,
  nullable,
  type Of,
  oneOf,
  optional,
  record,
  type Shape,
  text,
  tuple,
  uint,
  whole,
} from './shape.js'

/** Version of all messages. A reader accepts any version from 1 on: new keys are ignored, old keys keep their meaning. */
export const protocolVersion = 1
const version = integer(1, 255)

const groupName = matching('a group name', value => isName('group', value))
const appName = matching('an app name', value => isName('app', value))
const digest = bytes(32, 32)
const code = matching('an error code', value => value.length <= 40 && /^[a-z.-]+$/.test(value))

// --- status: birth and will, agent → manager, retained ---

/** What a device says of itself. Written by the agent. */
const facts = record({
  name: field(1, text(128)),
  addresses: field(2, list(text(64), 16)),
  os: field(3, text(128)),
  architecture: field(4, text(32)),
  processor: field(5, text(128)),
  cores: field(6, uint(4096)),
  memoryMiB: field(7, uint()),
  /** Empty while the engine does not answer. */
  engineVersion: field(8, text(64)),
  agentVersion: field(9, text(64)),
})
export type Facts = Of<typeof facts>

/** Why a device is offline by its own word: its will (`Disconnected`), a clean stop, or its release from the fleet. */
export const offlineReasons = ['Disconnected', 'Stopped', 'Released'] as const
export type OfflineReason = (typeof offlineReasons)[number]

/** Birth (`online`) and death notice. `epoch` grows with each connect; a notice with an older epoch than the newest known says nothing. */
const status = record({
  version: field(0, version),
  epoch: field(1, uint()),
  online: field(2, flag),
  reason: optional(3, oneOf(offlineReasons, 'Disconnected')),
  /** Present in births. */
  facts: optional(4, facts),
  /** Present in births: the interval between heartbeats, in seconds. */
  intervalS: optional(5, uint(86_400)),
  /** Present in births: whether the Docker Engine answers. */
  engine: optional(6, flag),
})
export type Status = Of<typeof status>

// --- heartbeat: agent → manager, not retained ---

/** States of a service, one byte each on the wire. Written by the agent. */
export const serviceStates = [
  'unknown',
  'pending',
  'pulling',
  'created',
  'starting',
  'running',
  'healthy',
  'unhealthy',
  'completed',
  'exited',
  'restarting',
  'stopped',
] as const
export type ServiceState = (typeof serviceStates)[number]

/**
 * A sign of life, as an array of scaled integers. `states` holds one byte a service, in the order in which the services
 * stand in the reported state with the sequence number `reported`.
 */
const heartbeat = tuple({
  version,
  epoch: uint(),
  /** Grows by 1 with each heartbeat of an epoch. */
  sequence: uint(),
  /** The interval that holds from this heartbeat on, in seconds. */
  intervalS: uint(86_400),
  /** Bit 0: the Docker Engine answers. */
  flags: uint(255),
  uptimeS: uint(),
  cpuPermille: uint(1000),
  memoryUsedMiB: uint(),
  diskUsedPermille: uint(1000),
  /** Load average of one minute, times 100. */
  loadCentis: uint(),
  /** Tenths of a degree Celsius; null where there is no sensor. */
  temperatureDeci: nullable(integer(-2730, 20_000)),
  /** Revision of the newest manifest that the agent holds. */
  revision: uint(),
  /** Sequence number of the newest reported state. */
  reported: uint(),
  states: bytes(0, 4096),
})
export type Heartbeat = Of<typeof heartbeat>
export const engineFlag = 1

export function packStates(states: readonly ServiceState[]): Uint8Array {
  return Uint8Array.from(states, state => serviceStates.indexOf(state))
}

export function unpackStates(packed: Uint8Array): ServiceState[] {
  return Array.from(packed, byte => serviceStates[byte] ?? 'unknown')
}

// --- desired: manager → agents, retained ---

export const runStates = ['stopped', 'running'] as const
export type RunState = (typeof runStates)[number]

const desiredApp = record({
  name: field(1, appName),
  /** SHA-256 of the uncompressed spec. */
  digest: field(2, digest),
  run: field(3, oneOf(runStates, 'running')),
  /** The app's own revision number, counted from 1. */
  revision: field(4, uint()),
})
export type DesiredApp = Of<typeof desiredApp>

/** What an agent does with its apps when its device leaves the fleet. */
export const releaseModes = ['keep', 'remove'] as const
export type ReleaseMode = (typeof releaseModes)[number]

/** Desired state of a device or of a group. Written by the manager alone. */
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
})
export type Manifest = Of<typeof manifest>

// --- spec: manager → agents, retained, immutable ---

/** The most that a compose file may have, in bytes of UTF-8. */
export const maxSpecBytes = 1024 * 1024

export const specEncodings = ['identity', 'brotli'] as const
const specEnvelope = record({
  version: field(0, version),
  encoding: field(1, oneOf(specEncodings, 'identity')),
  body: field(2, bytes(1, maxSpecBytes + 16)),
})

/** The body of a spec once decompressed; its SHA-256 is the spec's digest. Files that a compose file needs get a key of their own. */
const specBody = record({
  version: field(0, version),
  compose: field(1, whole(maxSpecBytes)),
})
export type SpecBody = Of<typeof specBody>

// --- reported: agent → manager, retained, on change ---

export const appStates = ['unknown', 'running', 'partial', 'stopped', 'updating', 'failed', 'rolled-back', 'removing'] as const
export type AppState = (typeof appStates)[number]

const fault = record({ code: field(1, code), message: field(2, text(1000)), path: optional(3, text(300)) })
export type Fault = Of<typeof fault>

const reportedService = record({
  name: field(1, text(255)),
  state: field(2, oneOf(serviceStates, 'unknown')),
  image: field(3, text(512)),
  exitCode: optional(4, integer(-1, 255)),
  restarts: optional(5, uint()),
  /** Published ports, such as `0.0.0.0:8080->80/tcp`. */
  ports: optional(6, list(text(80), 256)),
  /** The first 12 hex digits of the container's id. */
  container: optional(7, text(12)),
})
export type ReportedService = Of<typeof reportedService>

const reportedApp = record({
  name: field(1, appName),
  /** The group that the app comes from; absent if it is the device's own. */
  group: optional(2, groupName),
  /** The app's revision that the containers are of. */
  revision: field(3, uint()),
  digest: optional(4, digest),
  state: field(5, oneOf(appStates, 'unknown')),
  fault: optional(6, fault),
  services: field(7, list(reportedService, 1000)),
})
export type ReportedApp = Of<typeof reportedApp>

const heldGroup = record({ name: field(1, groupName), revision: field(2, uint()) })

/** What runs on a device. Written by the agent; services stand in the order that heartbeats use. */
const reported = record({
  version: field(0, version),
  sequence: field(1, uint()),
  /** The manager's instance whose manifest the agent holds; absent before the first one. */
  instance: optional(2, bytes(8, 8)),
  /** Revision of the device's own manifest that the agent holds, 0 before the first one. */
  revision: field(3, uint()),
  groups: field(4, list(heldGroup, 256)),
  apps: field(5, list(reportedApp, 1000)),
  /** Faults of the device as a whole: manifests that it could not follow, apps of the same name. */
  faults: optional(6, list(fault, 64)),
})
export type Reported = Of<typeof reported>

/** A message's shape and the most bytes that its payload may have. */
interface Codec<T> {
  encode(value: T): Buffer
  /** Refuses with `message.too-large` or `message.invalid`; never throws. */
  decode(payload: Uint8Array): Result<T>
}

function codec<T>(shape: Shape<T>, maxBytes: number): Codec<T> {
  return {
    encode: value => encodeMessage(shape, value),
    decode: payload => (payload.length === 0 ? refuse('message.invalid', 'the payload is empty') : decodeMessage(shape, payload, maxBytes)),
  }
}

export const statusCodec = codec(status, 8 * 1024)
export const heartbeatCodec = codec(heartbeat, 4 * 1024 + 128)
export const manifestCodec = codec(manifest, 128 * 1024)
export const specCodec = codec(specEnvelope, maxSpecBytes + 64)
export const specBodyCodec = codec(specBody, maxSpecBytes + 64)
export const reportedCodec = codec(reported, 512 * 1024)
