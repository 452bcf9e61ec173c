// Routes of join tokens, and of devices that wait to be approved.
import { Type } from 'typebox'
import { SkerryError } from '../../protocol/errors.js'
import type { Device } from '../core/model.js'
import type { Fleet } from '../fleet.js'
import { type Host, invite } from '../identity/invitation.js'
import type { Joining } from '../identity/joining.js'
import { dropToken } from '../identity/tokens.js'
import { pendingJoins } from '../identity/waiting.js'
import { contextOf } from '../queries.js'
import type { PendingRow } from '../store/pending.js'
import { readTokens, type TokenRow } from '../store/tokens.js'
import { admin } from './access.js'
import { listOf, ProblemSchema, ref, shownText } from './schemas/basics.js'
import { DeviceSchema, InvitationSchema, JoinTokenSchema, PendingSchema } from './schemas/devices.js'
import type { Api } from './server.js'
import { showDevice } from './show.js'

export interface JoinDesk {
  readonly fleet: Fleet
  readonly joining: Joining | undefined
  readonly host: Host | undefined
}

const maxUses = 10_000
const maxTtlS = 366 * 86_400
const groups = Type.Optional(Type.Array(Type.String(), { maxItems: 256, description: 'Groups that the device is put into.' }))
const labels = Type.Optional(
  Type.Record(Type.String({ minLength: 1, maxLength: 100 }), Type.String({ maxLength: 200 }), { description: 'Labels that it gets.' }),
)

const wish = Type.Object(
  {
    name: Type.Optional(Type.String({ maxLength: 200, pattern: shownText.source, description: 'What it is for.' })),
    groups,
    labels,
    uses: Type.Optional(Type.Integer({ minimum: 1, maximum: maxUses, description: 'How many devices may join with it; 1 without it.' })),
    ttlS: Type.Optional(Type.Integer({ minimum: 1, maximum: maxTtlS, description: 'How long it is good for; a day without it.' })),
  },
  { additionalProperties: false },
)

const approval = Type.Object(
  {
    groups,
    labels,
    device: Type.Optional(
      Type.String({ description: 'The id that it was seen to want: if it wants another one by now, nothing is approved.' }),
    ),
  },
  { additionalProperties: false },
)

export function joiningRoutes(api: Api, desk: JoinDesk): void {
  tokenRoutes(api, desk)
  pendingRoutes(api, desk)
}

function tokenRoutes(api: Api, { fleet, host }: JoinDesk): void {
  const tags = ['joining']

  api.get(
    '/tokens',
    {
      config: admin('fleet'),
      schema: { tags, summary: 'All join tokens, newest first, without their secrets.', response: { 200: listOf(JoinTokenSchema) } },
    },
    async () => ({ items: readTokens(fleet.db).map(showToken) }),
  )

  api.post(
    '/tokens',
    {
      config: admin('fleet'),
      schema: {
        tags,
        summary: 'Makes a join token. It is answered here and never again.',
        body: wish,
        response: { 201: ref(InvitationSchema), 400: ref(ProblemSchema), 403: ref(ProblemSchema), 404: ref(ProblemSchema) },
      },
    },
    async ({ body, hostname }, reply) => {
      const { ttlS, ...given } = body
      const asked = hostname.replace(/^\[|\]$/g, '')
      const { row, token, url, command, note } = invite(
        fleet,
        host,
        { ...given, ...(ttlS === undefined ? {} : { lifeMs: ttlS * 1000 }) },
        asked,
      )
      reply.code(201)
      return { ...showToken(row), token, url, command, note }
    },
  )

  api.delete(
    '/tokens/:token',
    {
      config: admin('fleet'),
      schema: {
        tags,
        summary: 'Takes a join token back, by its id. Devices that joined with it stay.',
        params: Type.Object({ token: Type.String() }),
        response: { 204: Type.Null(), 404: ref(ProblemSchema) },
      },
    },
    async ({ params }, reply) => {
      dropToken(fleet, params.token)
      reply.code(204)
      return null
    },
  )
}

function pendingRoutes(api: Api, { fleet, joining }: JoinDesk): void {
  const tags = ['joining']
  const params = Type.Object({ key: Type.String() })
  const show = (device: Device) => showDevice(device, contextOf(fleet, device))

  api.get(
    '/pending',
    {
      config: admin('fleet'),
      schema: {
        tags,
        summary: 'Devices that wait to be approved, longest first, and those that were rejected.',
        response: { 200: listOf(PendingSchema) },
      },
    },
    async () => ({ items: pendingJoins(fleet).map(showPending) }),
  )

  api.post(
    '/pending/:key/approve',
    {
      config: admin('fleet'),
      schema: {
        tags,
        summary: 'Lets a device in that waits, or that was rejected, by the fingerprint of its key.',
        params,
        body: approval,
        response: { 200: ref(DeviceSchema), 400: ref(ProblemSchema), 404: ref(ProblemSchema), 409: ref(ProblemSchema) },
      },
    },
    async ({ params: { key }, body }) => show(deskOf(joining).approve(key, body)),
  )

  api.post(
    '/pending/:key/reject',
    {
      config: admin('fleet'),
      schema: {
        tags,
        summary:
          'Turns a device away, by the fingerprint of its key. It stays turned away until it is approved, or has not asked for a day.',
        params,
        response: { 200: ref(PendingSchema), 404: ref(ProblemSchema) },
      },
    },
    async ({ params: { key } }) => showPending(deskOf(joining).reject(key)),
  )
}

function deskOf(joining: Joining | undefined): Joining {
  if (joining === undefined) throw new SkerryError('identity.missing', 'this server has no certificates of its own, so no device can join')
  return joining
}

function showToken({ id, name, groups, labels, uses, used, createdAt, expiresAt }: TokenRow) {
  return { id, name, groups: [...groups], labels: { ...labels }, uses, used, createdAt: iso(createdAt), expiresAt: iso(expiresAt) }
}

function showPending({ key, device, facts, firstAt, lastAt, rejected }: PendingRow) {
  const state = rejected ? ('rejected' as const) : ('pending' as const)
  return { key, device, state, facts: { ...facts, addresses: [...facts.addresses] }, firstAt: iso(firstAt), lastAt: iso(lastAt) }
}

function iso(at: number): string {
  return new Date(at).toISOString()
}
