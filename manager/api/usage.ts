// The route of what a device's connection costs.
import { Type } from 'typebox'
import { totalBytes } from '../../protocol/messages/usage.js'
import { dayOf } from '../core/usage.js'
import { findDevice } from '../devices.js'
import type { Fleet } from '../fleet.js'
import { contextOf } from '../queries.js'
import { type DayRow, readDays, readMonths } from '../store/usage.js'
import { viewer } from './access.js'
import { deviceParams } from './devices.js'
import { ProblemSchema, queryOf, ref } from './schemas/basics.js'
import { UsageSchema } from './schemas/usage.js'
import type { Api } from './server.js'
import { showMonth } from './show.js'

const usageQuery = queryOf({
  days: Type.Optional(Type.Integer({ minimum: 0, maximum: 400, description: 'How many days at most; 31 unless told.' })),
})

export function usageRoutes(api: Api, fleet: Fleet): void {
  api.get(
    '/devices/:device/usage',
    {
      config: viewer('device'),
      schema: {
        tags: ['links'],
        summary: "The bytes of a device's connection to the broker, by day, month and purpose.",
        params: deviceParams,
        querystring: usageQuery,
        response: { 200: ref(UsageSchema), 400: ref(ProblemSchema), 404: ref(ProblemSchema) },
      },
    },
    async ({ params, query }) => {
      const device = findDevice(fleet, params.device)
      const today = dayOf(fleet.clock.now())
      return {
        device: device.id,
        month: showMonth(contextOf(fleet, device)),
        days: readDays(fleet.db, device.id, { today, limit: query.days ?? 31 }).map(row => ({ day: row.day, ...showSums(row) })),
        months: readMonths(fleet.db, device.id, today).map(row => ({ month: row.day, ...showSums(row) })),
      }
    },
  )
}

function showSums({ traffic }: DayRow) {
  return { totalBytes: totalBytes(traffic), purposes: traffic }
}
