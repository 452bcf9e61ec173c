// The shapes of the API's answers: one schema gives the type, the check and the OpenAPI text.
import { type Static, type TProperties, type TSchema, Type } from 'typebox'
import { roles } from '../../protocol/access.js'
import { appStates, releaseModes, restartPolicies, runStates, serviceStates } from '../../protocol/messages.js'
import { eventTypes } from '../core/events.js'
import { deviceStates } from '../core/liveness.js'

export function oneOf<const T extends readonly string[]>(values: T) {
  return Type.Unsafe<T[number]>({ type: 'string', enum: [...values] })
}

/** What is misspelt in a URL is refused as what is misspelt in a body. */
export function queryOf<const P extends TProperties>(properties: P) {
  return Type.Object(properties, { additionalProperties: false })
}

export function nullable<T extends TSchema>(schema: T) {
  return Type.Union([schema, Type.Null()])
}

/** A shared schema by its name, so that it stands once in the OpenAPI text. */
export function ref<T extends TSchema>(schema: T) {
  const { $id } = schema as T & { $id?: string }
  return Type.Unsafe<Static<T>>({ $ref: `${$id}#` })
}

export function listOf<T extends TSchema>(schema: T) {
  return Type.Object({ items: Type.Array(ref(schema)) })
}

const time = Type.String({ format: 'date-time' })

/** What people name things: no control characters. */
// biome-ignore lint/suspicious/noControlCharactersInRegex: these are refused
export const shownText = /^[^\x00-\x1f\x7f]*$/

export const RefusalSchema = Type.Object(
  { code: Type.String(), message: Type.String(), path: Type.Optional(Type.String()) },
  { $id: 'Refusal', description: 'Why something was not done: a stable code, a sentence, and where the fault is.' },
)

export const ProblemSchema = Type.Object(
  {
    type: Type.String(),
    title: Type.String(),
    status: Type.Integer(),
    code: Type.String({ description: 'Stable: a code, once released, keeps its meaning.' }),
    detail: Type.String(),
    path: Type.Optional(Type.String({ description: 'Where in the request the fault is, such as services.web.ports[0].' })),
    errors: Type.Optional(Type.Array(ref(RefusalSchema), { description: 'All reasons, when there are several.' })),
  },
  { $id: 'Problem', description: 'RFC 9457, application/problem+json' },
)
export type Problem = Static<typeof ProblemSchema>

export const ServiceSchema = Type.Object(
  {
    name: Type.String(),
    state: oneOf(serviceStates),
    image: Type.String(),
    exitCode: Type.Optional(Type.Integer()),
    restarts: Type.Optional(Type.Integer()),
    ports: Type.Array(Type.String()),
    container: Type.Optional(Type.String()),
    digest: Type.Optional(Type.String({ description: 'Of its image in the registry; the local id where it has none.' })),
    running: Type.Optional(Type.Integer({ description: 'Where not exactly one container is wanted: how many run.' })),
    scale: Type.Optional(Type.Integer({ description: 'How many containers are wanted.' })),
    pulledBytes: Type.Optional(Type.Integer({ description: 'While its image is pulled: bytes that have come.' })),
    pullBytes: Type.Optional(Type.Integer({ description: 'Bytes of all layers known so far.' })),
  },
  { $id: 'Service' },
)

const standing = oneOf([...appStates, 'pending'] as const)

const onDevice = {
  group: nullable(Type.String()),
  revision: nullable(Type.Integer({ description: 'What runs; null until the device reports the app.' })),
  desiredRevision: nullable(Type.Integer({ description: 'Null once the app is no longer desired.' })),
  state: standing,
  fault: nullable(ref(RefusalSchema)),
  failedRevision: nullable(Type.Integer({ description: 'A revision that failed here and is not tried again until something changes.' })),
  refreshed: nullable(Type.Integer({ description: 'Generation of the newest refresh that was done, or given up.' })),
  services: Type.Array(ref(ServiceSchema)),
}

export const AppOnDeviceSchema = Type.Object({ app: Type.String(), ...onDevice }, { $id: 'AppOnDevice' })

export const FactsSchema = Type.Object(
  {
    name: Type.String(),
    addresses: Type.Array(Type.String()),
    os: Type.String(),
    architecture: Type.String(),
    processor: Type.String(),
    cores: Type.Integer(),
    memoryMiB: Type.Integer(),
    engineVersion: Type.String(),
    agentVersion: Type.String(),
  },
  { $id: 'Facts' },
)

export const MetricsSchema = Type.Object(
  {
    uptimeS: Type.Number(),
    cpuPercent: Type.Number(),
    memoryUsedMiB: Type.Number(),
    diskUsedPercent: Type.Number(),
    load: Type.Number(),
    temperatureC: nullable(Type.Number()),
  },
  { $id: 'Metrics' },
)

export const DeviceSchema = Type.Object(
  {
    id: Type.String(),
    name: Type.String(),
    description: Type.String(),
    labels: Type.Record(Type.String(), Type.String()),
    state: oneOf(deviceStates),
    reason: nullable(Type.String({ description: 'Why it is not Ready, such as Disconnected, HeartbeatMissed, ManagerRestarted.' })),
    since: time,
    lastSeen: nullable(time),
    expectedBy: nullable(time),
    intervalS: Type.Integer(),
    leaseS: Type.Integer(),
    epoch: Type.Integer(),
    facts: nullable(ref(FactsSchema)),
    metrics: nullable(ref(MetricsSchema)),
    groups: Type.Array(Type.String()),
    revision: Type.Object({ desired: Type.Integer(), held: Type.Integer() }),
    apps: Type.Array(ref(AppOnDeviceSchema)),
    faults: Type.Array(ref(RefusalSchema)),
    identity: nullable(
      Type.Object(
        {
          key: Type.String({ description: 'SHA-256 of its public key, in base64url.' }),
          via: oneOf(['token', 'approval'] as const),
          joinedAt: time,
          certificateUntil: nullable(time),
        },
        { description: 'What the device shows for being itself; null if it never joined.' },
      ),
    ),
  },
  { $id: 'Device' },
)
export type DeviceView = Static<typeof DeviceSchema>

const joinToken = {
  id: Type.String(),
  name: Type.String(),
  groups: Type.Array(Type.String()),
  labels: Type.Record(Type.String(), Type.String()),
  uses: Type.Integer({ description: 'How many devices may join with it.' }),
  used: Type.Integer({ description: 'How many have.' }),
  createdAt: time,
  expiresAt: time,
}
export const JoinTokenSchema = Type.Object(joinToken, { $id: 'JoinToken' })

export const InvitationSchema = Type.Object(
  {
    ...joinToken,
    token: Type.String({ description: 'The secret: told this once.' }),
    url: nullable(Type.String({ description: 'Where devices reach the broker; null if the server cannot tell.' })),
    command: Type.String({ description: 'The line to paste on the device.' }),
    note: nullable(Type.String({ description: 'What to know before that.' })),
  },
  { $id: 'Invitation' },
)

export const PendingSchema = Type.Object(
  {
    key: Type.String({ description: 'SHA-256 of its public key, in base64url; the agent shows the same.' }),
    device: Type.String({ description: 'The id that it wants.' }),
    state: oneOf(['pending', 'rejected'] as const),
    facts: ref(FactsSchema),
    firstAt: time,
    lastAt: time,
  },
  { $id: 'Pending', description: 'A device that asked to join without a token.' },
)

export const ReleasedSchema = Type.Object({ id: Type.String(), released: oneOf(releaseModes) }, { $id: 'Released' })

export const GroupSchema = Type.Object(
  {
    name: Type.String(),
    devices: Type.Array(Type.Object({ id: Type.String(), name: Type.String(), state: oneOf(deviceStates) })),
    apps: Type.Array(Type.String()),
    createdAt: time,
  },
  { $id: 'Group' },
)
export type GroupView = Static<typeof GroupSchema>

const targetSchema = Type.Object({ kind: oneOf(['device', 'group'] as const), name: Type.String() })

export const AppSchema = Type.Object(
  {
    name: Type.String(),
    target: targetSchema,
    revision: Type.Integer(),
    digest: Type.String(),
    run: oneOf(runStates),
    createdAt: time,
    updatedAt: time,
    services: Type.Array(Type.String()),
    refresh: nullable(
      Type.Object(
        { generation: Type.Integer(), services: nullable(Type.Array(Type.String(), { description: 'Null: all.' })) },
        { description: 'The newest wish for newer images.' },
      ),
    ),
    policy: Type.Object({ restart: oneOf(restartPolicies), settleS: nullable(Type.Integer()), rollBack: Type.Boolean() }),
    state: standing,
    counts: Type.Record(Type.String(), Type.Integer(), { description: 'Devices in total, running, and by state.' }),
    devices: Type.Array(
      Type.Object({
        device: Type.String(),
        name: Type.String(),
        deviceState: oneOf(deviceStates),
        reason: nullable(Type.String()),
        ...onDevice,
      }),
    ),
  },
  { $id: 'App' },
)
export type AppView = Static<typeof AppSchema>

export const servicesBody = Type.Object(
  { services: Type.Optional(Type.Array(Type.String({ maxLength: 255 }), { maxItems: 1000, description: 'Without any, all.' })) },
  { additionalProperties: false },
)

export const RestartedSchema = Type.Object(
  {
    items: Type.Array(
      Type.Object({ device: Type.String(), name: Type.String(), restarted: Type.Boolean(), fault: nullable(ref(RefusalSchema)) }),
    ),
  },
  { $id: 'Restarted', description: 'What became of a restart on each device.' },
)

export const DeployedSchema = Type.Intersect(
  [ref(AppSchema), Type.Object({ changed: Type.Boolean(), warnings: Type.Array(ref(RefusalSchema)) })],
  {
    $id: 'Deployed',
  },
)

export const CheckedSchema = Type.Object(
  { services: Type.Array(Type.String()), changed: Type.Literal(false), warnings: Type.Array(ref(RefusalSchema)) },
  { $id: 'Checked', description: 'The answer to a dry run.' },
)

export const RevisionSchema = Type.Object(
  {
    revision: Type.Integer(),
    digest: Type.String(),
    createdAt: time,
    origin: Type.Object({
      via: Type.String(),
      user: Type.Optional(Type.String()),
      from: Type.Optional(Type.String()),
      topic: Type.Optional(Type.String()),
    }),
    compose: Type.Optional(
      Type.String({ description: 'The main compose file. This and what follows only when one revision is asked for.' }),
    ),
    path: Type.Optional(Type.String()),
    overrides: Type.Optional(Type.Array(Type.String())),
    files: Type.Optional(
      Type.Array(Type.Object({ path: Type.String(), sizeBytes: Type.Integer(), digest: Type.String(), executable: Type.Boolean() })),
    ),
    environment: Type.Optional(Type.Array(Type.String(), { description: 'Names of the variables that have values.' })),
    profiles: Type.Optional(Type.Array(Type.String())),
  },
  { $id: 'Revision' },
)

export const EventSchema = Type.Object(
  {
    id: Type.Integer(),
    at: time,
    type: oneOf(eventTypes),
    device: nullable(Type.String()),
    group: nullable(Type.String()),
    app: nullable(Type.String()),
    message: Type.String(),
    data: Type.Record(Type.String(), Type.Unknown()),
  },
  { $id: 'Event' },
)
export type EventView = Static<typeof EventSchema>

const groupsSchema = nullable(Type.Array(Type.String(), { description: 'Groups that the role is for; null: the whole fleet.' }))
const grant = { name: Type.String(), role: oneOf(roles), groups: groupsSchema }

export const WhoSchema = Type.Object(
  {
    ...grant,
    kind: Type.Unsafe<'user' | 'token' | 'local' | 'config'>({
      ...oneOf(['user', 'token', 'local', 'config']),
      description: 'A user, a program’s token, the machine’s own token, or that of the settings.',
    }),
    expiresAt: nullable(time),
  },
  { $id: 'Who' },
)

export const LoggedInSchema = Type.Intersect(
  [ref(WhoSchema), Type.Object({ token: Type.Optional(Type.String({ description: 'To be sent as a bearer, where one was asked for.' })) })],
  { $id: 'LoggedIn' },
)

export const UserSchema = Type.Object(
  {
    ...grant,
    oneTimePassword: Type.Boolean({ description: 'Whether the password has to be replaced at the first log-in.' }),
    createdAt: time,
    lastSeen: nullable(time),
  },
  { $id: 'User' },
)

export const NewUserSchema = Type.Intersect(
  [ref(UserSchema), Type.Object({ password: nullable(Type.String({ description: 'The one-time password, if one was made.' })) })],
  { $id: 'NewUser' },
)

export const AccessTokenSchema = Type.Object(
  { id: Type.String(), ...grant, createdAt: time, createdBy: Type.String(), expiresAt: time, lastSeen: nullable(time) },
  { $id: 'AccessToken' },
)

export const NewAccessTokenSchema = Type.Intersect([ref(AccessTokenSchema), Type.Object({ token: Type.String() })], {
  $id: 'NewAccessToken',
})

export const sharedSchemas: readonly TSchema[] = [
  RefusalSchema,
  ProblemSchema,
  ServiceSchema,
  AppOnDeviceSchema,
  FactsSchema,
  MetricsSchema,
  DeviceSchema,
  ReleasedSchema,
  JoinTokenSchema,
  InvitationSchema,
  PendingSchema,
  GroupSchema,
  AppSchema,
  RestartedSchema,
  DeployedSchema,
  CheckedSchema,
  RevisionSchema,
  EventSchema,
  WhoSchema,
  LoggedInSchema,
  UserSchema,
  NewUserSchema,
  AccessTokenSchema,
  NewAccessTokenSchema,
]
