// The API's description (OpenAPI 3.1), generated from the routes' own schemas; docs/openapi.json is a copy of it.
import type { FastifyDynamicSwaggerOptions } from '@fastify/swagger'
import type { FastifySchema } from 'fastify'
import { pino } from 'pino'
import { Type } from 'typebox'
import type { Bridge } from '../bridge/bridge.js'
import type { Fleet } from '../fleet.js'
import type { Door } from '../users/door.js'
import { buildApi } from './server.js'
import { Servers } from './servers.js'

export function openapi(version: string): FastifyDynamicSwaggerOptions {
  return {
    openapi: {
      openapi: '3.1.0',
      info: {
        title: 'Skerry',
        version,
        description:
          'Manages fleets of devices that run containers. Devices are named by id, or by a name that only one has. ' +
          'Every failure is problem JSON (RFC 9457) with a stable code. `x-access` says which role a route needs, and what must be in its scope.',
      },
      components: {
        securitySchemes: { token: { type: 'http', scheme: 'bearer' }, session: { type: 'apiKey', in: 'cookie', name: '__Host-skerry' } },
      },
      security: [{ token: [] }, { session: [] }],
    },
    transform: ({ schema, url, route }) => {
      const access = { ...schema, 'x-access': route.config?.access } as FastifySchema
      return url.endsWith(rest)
        ? { schema: { ...access, params: topicParams }, url: url.replace(rest, '/:topic') }
        : { schema: access, url }
    },
    refResolver: { buildLocalReference: (json, _baseUri, _fragment, n) => (typeof json.$id === 'string' ? json.$id : `def-${n}`) },
  }
}

/** All that follows in a path: in OpenAPI it needs a name. */
const rest = '/*'
const topicParams = Type.Object({ topic: Type.String({ description: 'A topic, with its slashes, and with the root or without.' }) })

/** Describes the API without a fleet and without listening. */
export async function describeApi(version: string): Promise<object> {
  const health = { version, checks: unasked, stats: unasked }
  const app = await buildApi({
    fleet: nothing as Fleet,
    door: nothing as Door,
    servers: new Servers(undefined),
    bridge: nothing as Bridge,
    joining: undefined,
    host: undefined,
    health,
    log: pino({ level: 'silent' }),
  })
  await app.ready()
  const description = app.swagger()
  await app.close()
  return description
}

function unasked(): never {
  throw new Error('the API is only described, not used')
}

/** Has everything, and does nothing. */
const nothing: unknown = new Proxy(unasked, { get: () => nothing, apply: unasked })
