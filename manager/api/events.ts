// Routes of events: the history, and the stream of what happens from now on or since a given event.
import { type Static, Type } from 'typebox'
import { type EventFilter, eventTypes } from '../core/events.js'
import { resolveDevice } from '../core/resolve.js'
import type { Fleet } from '../fleet.js'
import { readEvents } from '../store/events.js'
import { EventSchema, listOf, oneOf, ProblemSchema, queryOf, ref } from './schemas.js'
import type { Api } from './server.js'
import { showEvent } from './show.js'
import { openStream, Streams } from './stream.js'

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

export function eventRoutes(api: Api, fleet: Fleet): void {
  const tags = ['events']

  api.get(
    '/events',
    {
      schema: {
        tags,
        summary: 'Events, oldest first: those after a given one, or the newest ones.',
        querystring: listQuery,
        response: { 200: listOf(EventSchema), 400: ref(ProblemSchema) },
      },
    },
    async ({ query }) => ({
      items: readEvents(fleet.db, toFilter(fleet, query), { after: query.after, limit: query.limit ?? 100 }).map(showEvent),
    }),
  )

  const streams = new Streams()
  api.addHook('preClose', async () => streams.close())
  api.get(
    '/events/stream',
    {
      exposeHeadRoute: false,
      schema: {
        tags,
        summary: 'Events as they happen (server-sent events). Resumes after the event named by Last-Event-ID or `after`.',
        produces: ['text/event-stream'],
        querystring: streamQuery,
        headers: streamHeaders,
      },
    },
    async ({ query, headers }, reply) => {
      const given = Number(headers['last-event-id'])
      const resumeAfter = Number.isSafeInteger(given) && headers['last-event-id'] !== undefined && given >= 0 ? given : query.after
      const filter = toFilter(fleet, query)
      reply.hijack()
      streams.add(openStream(reply.raw, { db: fleet.db, journal: fleet.journal, clock: fleet.clock, filter, after: resumeAfter }))
    },
  )
}

/** A device may be named as everywhere else; one that is gone is still found by its id. */
function toFilter(fleet: Fleet, query: Static<typeof streamQuery>): EventFilter {
  const { device, group, app, type } = query
  if (device === undefined) return { group, app, type }
  const found = resolveDevice(fleet.inventory.devices, device)
  return { device: found.ok ? found.value.id : device, group, app, type }
}
