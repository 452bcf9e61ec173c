// Whether the manager works: alive, ready, and what it has counted.
import { Type } from 'typebox'
import { open, viewer } from './access.js'
import type { Api } from './server.js'

export interface Stats {
  messages: { received: number; dropped: Record<string, number> }
  commands: { received: number; done: number; refused: Record<string, number> }
  published: number
  devices: { ready: number; notReady: number; unknown: number }
}

export interface Health {
  readonly version: string
  checks(): { database: boolean; broker: boolean }
  stats(): Stats
}

const checks = Type.Object({ database: Type.Boolean(), broker: Type.Boolean() })
const readySchema = Type.Object({ ready: Type.Boolean(), checks })
const statsSchema = Type.Object({
  messages: Type.Object({ received: Type.Integer(), dropped: Type.Record(Type.String(), Type.Integer()) }),
  commands: Type.Object({ received: Type.Integer(), done: Type.Integer(), refused: Type.Record(Type.String(), Type.Integer()) }),
  published: Type.Integer(),
  devices: Type.Object({ ready: Type.Integer(), notReady: Type.Integer(), unknown: Type.Integer() }),
})

export function healthRoutes(api: Api, health: Health): void {
  const tags = ['manager']

  api.get(
    '/health',
    {
      config: open,
      schema: {
        tags,
        summary: 'Alive: answers whenever the process does. Needs no token.',
        security: [],
        response: { 200: Type.Object({ status: Type.Literal('ok'), version: Type.String() }) },
      },
    },
    async () => ({ status: 'ok' as const, version: health.version }),
  )

  api.get(
    '/ready',
    {
      config: viewer('self'),
      schema: { tags, summary: 'Ready: the database and the broker are there.', response: { 200: readySchema, 503: readySchema } },
    },
    async (_request, reply) => {
      const checks = health.checks()
      const ready = checks.database && checks.broker
      reply.code(ready ? 200 : 503)
      return { ready, checks }
    },
  )

  api.get(
    '/stats',
    { config: viewer('fleet'), schema: { tags, summary: 'What has been counted since the start.', response: { 200: statsSchema } } },
    async () => health.stats(),
  )
}
