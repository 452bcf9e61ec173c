// Routes of what is asked of devices: logs of an app, and restarts of its services.
import { type Static, Type } from 'typebox'
import { SkerryError } from '../../protocol/errors.js'
import { findApp } from '../apps.js'
import { askForLogs, type LogQuestion, restartOn, restartOnMembers } from '../asking.js'
import { findDevice } from '../devices.js'
import type { Fleet } from '../fleet.js'
import { findGroup } from '../groups.js'
import { devicesOfGroup } from '../queries.js'
import { callerOf, operator, viewer } from './access.js'
import { formOf, writeLogs } from './log-stream.js'
import { RestartedSchema, servicesBody } from './schemas/apps.js'
import { nullable, ProblemSchema, queryOf, ref } from './schemas/basics.js'
import type { Api } from './server.js'
import { parseSince } from './since.js'
import type { Streams } from './stream.js'

const problems = { 400: ref(ProblemSchema), 404: ref(ProblemSchema), 503: ref(ProblemSchema), 504: ref(ProblemSchema) }
const appParams = Type.Object({
  target: Type.String({ description: 'A device by id or unique name, or a group by name.' }),
  app: Type.String(),
})

const logsQuery = queryOf({
  service: Type.Optional(Type.Union([Type.String(), Type.Array(Type.String())], { description: 'Only these; without any, all.' })),
  tail: Type.Optional(Type.Integer({ minimum: 0, maximum: 1_000_000, description: 'Lines from the end, of each container.' })),
  since: Type.Optional(
    Type.String({ maxLength: 40, description: 'Nothing older: 90s, 10m, 2h or 3d ago, a date and time, or seconds since 1970.' }),
  ),
  follow: Type.Optional(Type.Boolean({ description: 'Goes on as more is written.' })),
  timestamps: Type.Optional(Type.Boolean({ description: 'With the time of each line.' })),
})

export function askingRoutes(api: Api, fleet: Fleet, streams: Streams): void {
  logRoutes(api, fleet, streams)
  restartRoutes(api, fleet)
}

function logRoutes(api: Api, fleet: Fleet, streams: Streams): void {
  const tags = ['apps']

  api.get(
    '/devices/:target/apps/:app/logs',
    {
      exposeHeadRoute: false,
      config: viewer('device'),
      schema: {
        tags,
        summary: 'What the containers of an app have written on a device: text with the service before each line, JSON lines, or events.',
        produces: ['text/plain', 'application/x-ndjson', 'text/event-stream'],
        params: appParams,
        querystring: logsQuery,
        response: problems,
      },
    },
    async (request, reply) => {
      const { params, query, headers } = request
      const device = findDevice(fleet, params.target)
      const left = new AbortController()
      reply.raw.once('close', () => left.abort(new SkerryError('server.unavailable', 'the client has left')))
      const parts = askForLogs(fleet, device, questionOf(params.app, query, fleet.clock.now()), left.signal)
      // The first part has no data: whatever stands against the request is told by the status of the answer.
      await parts.next()
      const form = formOf(headers.accept)
      reply.hijack()
      reply.raw.on('error', () => {})
      reply.raw.writeHead(200, { 'content-type': form.type, 'cache-control': 'no-store', 'x-content-type-options': 'nosniff' })
      reply.raw.flushHeaders()
      streams.add(reply.raw, callerOf(request))
      await writeLogs(reply.raw, parts, { form, timestamps: query.timestamps ?? false, clock: fleet.clock, signal: left.signal })
    },
  )

  api.get(
    '/groups/:target/apps/:app/logs',
    {
      exposeHeadRoute: false,
      config: viewer('group'),
      schema: {
        tags,
        summary: 'Refused: logs are those of a device.',
        params: appParams,
        response: { 400: ref(ProblemSchema), 404: ref(ProblemSchema) },
      },
    },
    async ({ params }) => {
      const { name } = findApp(fleet, { kind: 'group', name: findGroup(fleet, params.target).name }, params.app)
      const members = devicesOfGroup(fleet, params.target).slice(0, 10)
      const which = members.length === 0 ? 'the group has none' : `such as ${members.map(({ id }) => id).join(', ')}`
      throw new SkerryError('request.invalid', `logs of ${name} are those of one device: name it, ${which}`)
    },
  )
}

function questionOf(app: string, query: Static<typeof logsQuery>, now: number): LogQuestion {
  const { service = [], tail, since, follow, timestamps } = query
  const services = [service].flat()
  return {
    app,
    ...(services.length === 0 ? {} : { services }),
    ...(tail === undefined ? {} : { tail }),
    ...(since === undefined ? {} : { sinceS: parseSince(since, now) }),
    ...(follow === undefined ? {} : { follow }),
    ...(timestamps === undefined ? {} : { timestamps }),
  }
}

function restartRoutes(api: Api, fleet: Fleet): void {
  const tags = ['apps']

  api.post(
    '/devices/:target/apps/:app/restart',
    {
      config: operator('device'),
      schema: {
        tags,
        summary: 'Restarts the containers of an app on a device, or of some of its services; answers once they run again.',
        params: appParams,
        body: nullable(servicesBody),
        response: { 200: ref(RestartedSchema), ...problems },
      },
    },
    async ({ params, body }) => ({
      items: [await restartOn(fleet, findDevice(fleet, params.target), params.app, { services: body?.services ?? [] })],
    }),
  )

  api.post(
    '/groups/:target/apps/:app/restart',
    {
      config: operator('group'),
      schema: {
        tags,
        summary: 'The same on each device of a group, with what became of it on each.',
        params: appParams,
        body: nullable(servicesBody),
        response: { 200: ref(RestartedSchema), ...problems },
      },
    },
    async ({ params, body }) => {
      const app = findApp(fleet, { kind: 'group', name: findGroup(fleet, params.target).name }, params.app)
      return { items: await restartOnMembers(fleet, app, { services: body?.services ?? [] }) }
    },
  )
}
