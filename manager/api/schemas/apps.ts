// Apps and their revisions, on devices and groups, as the API shows them.

import { type Static, Type } from 'typebox'
import { serviceStates } from '../../../protocol/messages/heartbeat.js'
import { restartPolicies, runStates } from '../../../protocol/messages/manifest.js'
import { appStates } from '../../../protocol/messages/reported.js'
import { deviceStates } from '../../core/liveness.js'
import { nullable, oneOf, RefusalSchema, ref, time } from './basics.js'
import { HeldSchema } from './permits.js'

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
  desiredVersion: nullable(Type.String({ description: 'The name of that revision, if it has one.' })),
  state: standing,
  fault: nullable(ref(RefusalSchema)),
  held: nullable(ref(HeldSchema)),
  failedRevision: nullable(Type.Integer({ description: 'A revision that failed here and is not tried again until something changes.' })),
  refreshed: nullable(Type.Integer({ description: 'Generation of the newest refresh that was done, or given up.' })),
  services: Type.Array(ref(ServiceSchema)),
}

export const AppOnDeviceSchema = Type.Object({ app: Type.String(), ...onDevice }, { $id: 'AppOnDevice' })

const targetSchema = Type.Object({ kind: oneOf(['device', 'group'] as const), name: Type.String() })

const version = nullable(
  Type.String({ description: 'The name of its text; of several the one given or asked for last. Null if it has none.' }),
)

export const AppSchema = Type.Object(
  {
    name: Type.String(),
    target: targetSchema,
    revision: Type.Integer(),
    version,
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

const origin = Type.Object({
  via: Type.String(),
  user: Type.Optional(Type.String()),
  from: Type.Optional(Type.String()),
  topic: Type.Optional(Type.String()),
})

export const VersionSchema = Type.Object(
  { version: Type.String(), revision: Type.Integer(), digest: Type.String(), createdAt: time, origin },
  { $id: 'Version', description: 'A name that people gave a revision.' },
)

export const RevisionSchema = Type.Object(
  {
    revision: Type.Integer(),
    version,
    digest: Type.String(),
    createdAt: time,
    origin,
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
