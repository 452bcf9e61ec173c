// Devices, groups, and who wants to join, as the API shows them.

import { type Static, Type } from 'typebox'
import { releaseModes } from '../../../protocol/messages/manifest.js'
import { deviceStates } from '../../core/liveness.js'
import { AppOnDeviceSchema } from './apps.js'
import { nullable, oneOf, RefusalSchema, ref, time } from './basics.js'
import { LinkSchema, linkOwner } from './links.js'
import { HeldSchema, PermitSchema } from './permits.js'
import { MonthUseSchema } from './usage.js'

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
    expectedBy: nullable(
      Type.String({
        format: 'date-time',
        description: 'When it turns NotReady if it stays silent; null if it is NotReady, or while silence counts against nobody.',
      }),
    ),
    intervalS: Type.Integer({ description: 'Between its heartbeats, as it says itself.' }),
    leaseS: Type.Integer({ description: 'So long after its last heartbeat it is NotReady.' }),
    link: Type.Intersect([ref(LinkSchema), Type.Object({ of: linkOwner })], { description: 'How it is to use its link.' }),
    usage: nullable(ref(MonthUseSchema)),
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
    permit: nullable(ref(PermitSchema)),
    held: nullable(ref(HeldSchema)),
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
    permit: nullable(ref(PermitSchema)),
  },
  { $id: 'Group' },
)
export type GroupView = Static<typeof GroupSchema>
