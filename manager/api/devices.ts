// Routes of devices.
import { type Static, Type } from 'typebox'
import { SkerryError } from '../../protocol/errors.js'
import { longestIntervalS } from '../../protocol/link.js'
import { releaseModes } from '../../protocol/messages/manifest.js'
import { deviceStates } from '../core/liveness.js'
import type { Device } from '../core/model.js'
import { isDeviceShown } from '../core/permit.js'
import { changeDevice, findDevice, releaseDevice } from '../devices.js'
import type { Fleet } from '../fleet.js'
import { findGroup } from '../groups.js'
import { contextOf, contextsOf, devicesOfGroup } from '../queries.js'
import { admin, operator, viewer, whoOf } from './access.js'
import { listOf, nullable, oneOf, ProblemSchema, queryOf, ref, shownText } from './schemas/basics.js'
import { DeviceSchema, ReleasedSchema } from './schemas/devices.js'
import type { Api } from './server.js'
import { showDevice } from './show.js'

export const deviceParams = Type.Object({ device: Type.String() })

const listQuery = queryOf({
  group: Type.Optional(Type.String()),
  state: Type.Optional(oneOf(deviceStates)),
  label: Type.Optional(
    Type.Union([Type.String(), Type.Array(Type.String())], { description: 'k=v, or k for any value; several must all fit.' }),
  ),
})

const label = Type.String({ maxLength: 200 })

const patchBody = Type.Object({
  name: Type.Optional(nullable(Type.String({ minLength: 1, maxLength: 128, pattern: shownText.source }))),
  description: Type.Optional(Type.String({ maxLength: 2000 })),
  labels: Type.Optional(
    Type.Record(Type.String({ minLength: 1, maxLength: 100 }), nullable(label), { description: 'Null removes a label.' }),
  ),
  intervalS: Type.Optional(nullable(Type.Integer({ minimum: 1, maximum: longestIntervalS, description: "Null: the agent's own." }))),
})

export function deviceRoutes(api: Api, fleet: Fleet): void {
  const tags = ['devices']
  const show = (device: Device) => showDevice(device, contextOf(fleet, device))

  api.get(
    '/devices',
    {
      config: viewer('list'),
      schema: {
        tags,
        summary: 'All devices, sorted by id.',
        querystring: listQuery,
        response: { 200: listOf(DeviceSchema), 400: ref(ProblemSchema) },
      },
    },
    async request => {
      const devices = select(fleet, request.query).filter(device => isDeviceShown(whoOf(request), device))
      const context = contextsOf(fleet)
      return { items: devices.map(device => showDevice(device, context(device))) }
    },
  )

  api.get(
    '/devices/:device',
    {
      config: viewer('device'),
      schema: { tags, summary: 'One device.', params: deviceParams, response: { 200: ref(DeviceSchema), 404: ref(ProblemSchema) } },
    },
    async ({ params }) => show(findDevice(fleet, params.device)),
  )

  api.patch(
    '/devices/:device',
    {
      config: operator('device'),
      schema: {
        tags,
        summary: 'Names, describes or labels a device, or sets the interval between its heartbeats.',
        params: deviceParams,
        body: patchBody,
        response: { 200: ref(DeviceSchema), 400: ref(ProblemSchema), 403: ref(ProblemSchema), 404: ref(ProblemSchema) },
      },
    },
    async ({ params, body }) => {
      const device = findDevice(fleet, params.device)
      checkProperties(body)
      changeDevice(fleet, device, body)
      return show(device)
    },
  )

  api.delete(
    '/devices/:device',
    {
      config: admin('device'),
      schema: {
        tags,
        summary: 'Releases a device from the fleet; it keeps or removes its apps when it next connects.',
        params: deviceParams,
        querystring: queryOf({ apps: Type.Optional(oneOf(releaseModes)) }),
        response: { 202: ref(ReleasedSchema), 404: ref(ProblemSchema) },
      },
    },
    async ({ params, query }, reply) => {
      const device = findDevice(fleet, params.device)
      const mode = query.apps ?? 'keep'
      releaseDevice(fleet, device, mode)
      reply.code(202)
      return { id: device.id, released: mode }
    },
  )
}

function select(fleet: Fleet, { group, state, label = [] }: Static<typeof listQuery>): Device[] {
  const all = group === undefined ? [...fleet.inventory.devices.values()] : devicesOfGroup(fleet, findGroup(fleet, group).name)
  const labels = [label].flat().map(parseLabel)
  return all
    .filter(device => state === undefined || device.state === state)
    .filter(device => labels.every(([key, value]) => fits(device.labels[key], value)))
    .sort((one, other) => (one.id < other.id ? -1 : 1))
}

function parseLabel(text: string): [key: string, value: string | undefined] {
  const at = text.indexOf('=')
  return at < 0 ? [text, undefined] : [text.slice(0, at), text.slice(at + 1)]
}

function fits(actual: string | undefined, wanted: string | undefined): boolean {
  return actual !== undefined && (wanted === undefined || actual === wanted)
}

/** Throws `property.read-only` for what a device has but no user may set, `request.invalid` for what no device has. */
function checkProperties(body: object): void {
  for (const key of Object.keys(body)) {
    if (Object.hasOwn(patchBody.properties, key)) continue
    if (Object.hasOwn(DeviceSchema.properties, key))
      throw new SkerryError('property.read-only', `${key} is not set by users`, { path: key })
    throw new SkerryError('request.invalid', `a device has no property ${JSON.stringify(key.slice(0, 80))}`, { path: key.slice(0, 80) })
  }
}
