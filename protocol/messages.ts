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
export const version = integer(1, 255)

const groupName = matching('a group name', value => isName('group', value))
const appName = matching('an app name', value => isName('app', value))
const digest = bytes(32, 32)
const code = matching('an error code', value => value.length <= 40 && /^[a-z.-]+$/.test(value))

// --- status: birth and will, agent → manager, retained ---

/** What a device says of itself. Written by the agent. */
export const facts = record({
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

const variable = tuple({ name: text(255), value: whole(32_768) })

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
})
export type Manifest = Of<typeof manifest>

// --- keys: manager → agents, retained ---

/** The most bytes of a link, signed; see signed.ts. */
const maxLinkBytes = 256

/** How agents come from the key that they hold to the newest: each link, signed with one key, names the next. Oldest first. */
const keys = record({ version: field(0, version), links: field(1, list(bytes(1, maxLinkBytes), 500)) })

const keyLink = record({
  version: field(0, version),
  /** How many keys this manager has had with this one. */
  number: field(1, integer(2, 0xffff_ffff)),
  /** The Ed25519 public key. */
  key: field(2, bytes(32, 32)),
})
export type KeyLink = Of<typeof keyLink>

// --- spec: manager → agents, retained, immutable ---

/** The most that a compose file may have, in bytes of UTF-8. */
export const maxSpecBytes = 1024 * 1024

export const specEncodings = ['identity', 'brotli'] as const
const specEnvelope = record({
  version: field(0, version),
  encoding: field(1, oneOf(specEncodings, 'identity')),
  body: field(2, bytes(1, maxSpecBytes + 16)),
})

/** The most files that a bundle may have, and the most that all of them may have in bytes. */
export const maxBundleFiles = 1000
export const maxBundleBytes = 8 * 1024 * 1024

/** A file of a bundle: its contents are a spec body of their own on the topic of their digest. */
const bundleFile = record({
  /** Relative to the app's folder, with `/`, never climbing out of it. */
  path: field(1, whole(1000)),
  /** SHA-256 of the contents. */
  digest: field(2, digest),
  sizeBytes: field(3, uint(maxSpecBytes)),
  executable: optional(4, flag),
})
export type BundleFile = Of<typeof bundleFile>

/** The body of a spec once decompressed; its SHA-256 is the spec's digest. */
const specBody = record({
  version: field(0, version),
  /** The main compose file. */
  compose: field(1, whole(maxSpecBytes)),
  /** Its path in the bundle; absent: `compose.yaml`. */
  path: optional(2, whole(1000)),
  /** Files of the bundle that are merged over it, in order. */
  overrides: optional(3, list(whole(1000), 64)),
  files: optional(4, list(bundleFile, maxBundleFiles)),
  /** Values of variables, from whoever deployed. */
  environment: optional(5, list(variable, 1000)),
  profiles: optional(6, list(text(255), 100)),
})
export type SpecBody = Of<typeof specBody>

// --- reported: agent → manager, retained, on change ---

export const appStates = ['unknown', 'running', 'partial', 'stopped', 'updating', 'failed', 'rolled-back', 'removing'] as const
export type AppState = (typeof appStates)[number]

export const fault = record({ code: field(1, code), message: field(2, text(1000)), path: optional(3, text(300)) })
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
  /** While its image is pulled: bytes that have come, and bytes of all layers known so far. */
  pulledBytes: optional(8, uint(Number.MAX_SAFE_INTEGER)),
  pullBytes: optional(9, uint(Number.MAX_SAFE_INTEGER)),
  /** The image's digest in its registry, such as `sha256:…`; its local id where it has none. */
  digest: optional(10, text(80)),
  /** Where more or fewer containers than one are wanted: how many run, and how many should. */
  running: optional(11, uint(10_000)),
  scale: optional(12, uint(10_000)),
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
  /** The revision that failed here and is not tried again until something changes; the fault says why. */
  failedRevision: optional(8, uint()),
  /** The newest refresh that has been done, or given up. */
  refreshed: optional(9, uint()),
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
  /** Revision of the fleet's manifest held; absent if none is. */
  fleet: optional(7, uint()),
  /** Which signing key it goes by: see keys.ts. */
  key: optional(8, bytes(8, 8)),
})
export type Reported = Of<typeof reported>

// --- requests and responses: what is not state, never retained ---

/** What can be asked of an agent. `credit` and `cancel` belong to a request under way, on its own topic. */
export const requestKinds = ['unknown', 'logs', 'restart', 'credit', 'cancel'] as const

/** Asked by the manager, on `request/{rid}`. */
const request = record({
  version: field(0, version),
  kind: field(1, oneOf(requestKinds, 'unknown')),
  /** The session that it is for: an agent refuses one of another session, or of none, as expired, so none is done late. Absent in `credit` and `cancel`. */
  epoch: optional(2, uint()),
  app: optional(3, appName),
  /** None or absent: all. */
  services: optional(4, list(text(255), 1000)),
  /** logs: go on as more is written. */
  follow: optional(5, flag),
  /** logs: lines from the end, of each service. */
  tail: optional(6, uint()),
  /** logs: nothing older, in seconds since 1970 by the device's clock. */
  sinceS: optional(7, uint(Number.MAX_SAFE_INTEGER)),
  /** logs: with the time of each line. */
  timestamps: optional(8, flag),
  /** logs, credit: bytes of data that may be sent from the beginning of the request on; each credit names a new, higher sum. */
  creditBytes: optional(9, uint(Number.MAX_SAFE_INTEGER)),
  /** How long the agent may work at it without a sign from the one who asked, in seconds. */
  patienceS: optional(10, integer(1, 3600)),
})
export type Request = Of<typeof request>

/** Answered by the agent, on `response/{rid}`: any number of parts, the last of them marked. The first, without data, says that it is at it. */
const response = record({
  version: field(0, version),
  /** Counted from 0 within a request. */
  part: field(1, uint()),
  last: optional(2, flag),
  fault: optional(3, fault),
  /** logs: the service and the stream that the data are from. */
  service: optional(4, text(255)),
  stream: optional(5, oneOf(['out', 'err'], 'out')),
  data: optional(6, bytes(1, 64 * 1024)),
})
export type Response = Of<typeof response>

/** A message's shape and the most bytes that its payload may have. */
interface Codec<T> {
  encode(value: T): Buffer
  /** Refuses with `message.too-large` or `message.invalid`; never throws. */
  decode(payload: Uint8Array): Result<T>
}

export function codec<T>(shape: Shape<T>, maxBytes: number): Codec<T> {
  return {
    encode: value => encodeMessage(shape, value),
    decode: payload => (payload.length === 0 ? refuse('message.invalid', 'the payload is empty') : decodeMessage(shape, payload, maxBytes)),
  }
}

export const statusCodec = codec(status, 8 * 1024)
export const heartbeatCodec = codec(heartbeat, 4 * 1024 + 128)
export const manifestCodec = codec(manifest, 128 * 1024)
export const keysCodec = codec(keys, 64 * 1024)
export const keyLinkCodec = codec(keyLink, maxLinkBytes)
export const specCodec = codec(specEnvelope, maxSpecBytes + 64)
export const specBodyCodec = codec(specBody, maxSpecBytes + 64)
export const requestCodec = codec(request, 32 * 1024)
export const responseCodec = codec(response, 66 * 1024)
export const reportedCodec = codec(reported, 512 * 1024)
