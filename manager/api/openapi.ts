// The API's description (OpenAPI 3.1), generated from the routes' own schemas; docs/openapi.json is a copy of it.
import type { FastifyDynamicSwaggerOptions } from '@fastify/swagger'
import { pino } from 'pino'
import type { Fleet } from '../fleet.js'
import { buildApi } from './server.js'

export function openapi(version: string): FastifyDynamicSwaggerOptions {
  return {
    openapi: {
      openapi: '3.1.0',
      info: {
        title: 'Skerry',
        version,
        description:
          'Manages fleets of devices that run containers. Devices are named by id, or by a name that only one has. ' +
          'Every failure is problem JSON (RFC 9457) with a stable code.',
      },
      components: { securitySchemes: { token: { type: 'http', scheme: 'bearer' } } },
      security: [{ token: [] }],
    },
    refResolver: { buildLocalReference: (json, _baseUri, _fragment, n) => (typeof json.$id === 'string' ? json.$id : `def-${n}`) },
  }
}

/** Describes the API without a fleet and without listening. */
export async function describeApi(version: string): Promise<object> {
  const app = await buildApi({ fleet: noFleet, health: { version, checks: unasked, stats: unasked }, log: pino({ level: 'silent' }) })
  await app.ready()
  const description = app.swagger()
  await app.close()
  return description
}

function unasked(): never {
  throw new Error('the API is only described, not used')
}

const noFleet = new Proxy({}, { get: unasked }) as Fleet
