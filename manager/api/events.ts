// Routes of events: the history, and the stream of what happens from now on or since a given event.
import { type Static, Type } from 'typebox'
import type { User } from '../../protocol/access.js'
import { type Event, type EventFilter, eventTypes } from '../core/events.js'
import { isEventShown } from '../core/permit.js'
import { resolveDevice } from '../core/resolve.js'
import type { Fleet } from '../fleet.js'
import { readEvents } from '../store/events.js'
import { callerOf, viewer, whoOf } from './access.js'
import { listOf, oneOf, ProblemSchema, queryOf, ref } from './schemas/basics.js'
import { EventSchema } from './schemas/events.js'
import type { Api } from './server.js'
import { showEvent } from './show.js'
import { openStream, type Streams } from './stream.js'

const filterQuery = {
  device: Type.Optional(Type.String()),
  group: Type.Optional(Type.String()),
  app: Type.Optional(Type.String()),
  type: Type.Optional(oneOf(eventTypes)),
}
const after = Type.Optional(Type.Integer({ minimum: 0, description: 'Only events after the one with this id.' }))
const listQuery = queryOf({ ...filterQuery, after, limit: Type.Optional(Type.Integer({ minimum: 1, maximum: 1000 })) })
const streamQuery = queryOf({ ...filterQuery, after })
const streamHeaders = Type.Object({ 'last-event-id': Type.Optional(Type.String()) })

export function eventRoutes(api: Api, fleet: Fleet, streams: Streams): void {
  const tags = ['events']

  api.get(
    '/events',
    {
      config: viewer('list'),
      schema: {
        tags,
        summary: 'Events, oldest first: those after a given one, or the newest ones.',
        querystring: listQuery,
        response: { 200: listOf(EventSchema), 400: ref(ProblemSchema) },
      },
    },
    async request => ({ items: readShown(fleet, whoOf(request), request.query).map(showEvent) }),
  )

  api.get(
    '/events/stream',
    {
      exposeHeadRoute: false,
      config: viewer('list'),
      schema: {
        tags,
        summary: 'Events as they happen (server-sent events). Resumes after the event named by Last-Event-ID or `after`.',
        produces: ['text/event-stream'],
        querystring: streamQuery,
        headers: streamHeaders,
      },
    },
    async (request, reply) => {
      const { query, headers } = request
      const given = Number(headers['last-event-id'])
      const resumeAfter = Number.isSafeInteger(given) && headers['last-event-id'] !== undefined && given >= 0 ? given : query.after
      const filter = toFilter(fleet, query)
      reply.hijack()
      const { db, journal, clock } = fleet
      const stream = openStream(reply.raw, { db, journal, clock, filter, who: whoOf(request), after: resumeAfter })
      streams.add(stream, callerOf(request))
    },
  )
}

/** A page of what somebody may see: pages of the history are read until it is full. */
function readShown(fleet: Fleet, who: User, query: Static<typeof listQuery>): Event[] {
  const { limit = 100 } = query
  const filter = toFilter(fleet, query)
  const shown: Event[] = []
  let page: Event[]
  let { after } = query
  let before: number | undefined
  do {
    page = readEvents(fleet.db, filter, { after, before, limit })
    const fits = page.filter(event => isEventShown(who, event))
    if (after === undefined) shown.unshift(...fits)
    else shown.push(...fits)
    if (after === undefined) before = page[0]?.id
    else after = page.at(-1)?.id
  } while (page.length === limit && shown.length < limit)
  return query.after === undefined ? shown.slice(-limit) : shown.slice(0, limit)
}

/** A device may be named as everywhere else; one that is gone is still found by its id. */
function toFilter(fleet: Fleet, query: Static<typeof streamQuery>): EventFilter {
  const { device, group, app, type } = query
  if (device === undefined) return { group, app, type }
  const found = resolveDevice(fleet.inventory.devices, device)
  return { device: found.ok ? found.value.id : device, group, app, type }
}
