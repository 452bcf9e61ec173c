// What devices' connections cost, as the API shows it.
import { Type } from 'typebox'
import { nullable, ref } from './basics.js'

const bytes = (description?: string) => Type.Integer(description === undefined ? {} : { description })

const flow = Type.Object({ sent: bytes(), received: bytes() })

const TrafficSchema = Type.Object(
  {
    heartbeat: flow,
    report: flow,
    state: flow,
    log: flow,
    connection: flow,
    headers: flow,
  },
  { $id: 'Traffic', description: 'Bytes by what they are for, as the device sees them. The headers of TCP and IP are an estimate.' },
)

export const MonthUseSchema = Type.Object(
  {
    month: Type.String({ description: 'In UTC, such as 2026-11.' }),
    usedBytes: bytes('Sent and received so far.'),
    projectedBytes: nullable(bytes('By the end of the month, if it goes on like this; null in the first hour.')),
    budgetBytes: nullable(bytes('For each month; null: none.')),
    slow: Type.Integer({ description: 'How many times more rarely telemetry comes, for the sake of the budget; 1: as usual.' }),
  },
  { $id: 'MonthUse', description: "What a device's connection costs this month." },
)

const total = bytes('Sent and received, all purposes.')

export const UsageSchema = Type.Object(
  {
    device: Type.String(),
    month: nullable(ref(MonthUseSchema)),
    days: Type.Array(Type.Object({ day: Type.String({ description: 'In UTC.' }), totalBytes: total, purposes: ref(TrafficSchema) }), {
      description: 'Those on which anything was told, the newest first.',
    }),
    months: Type.Array(Type.Object({ month: Type.String({ description: 'In UTC.' }), totalBytes: total, purposes: ref(TrafficSchema) }), {
      description: 'The newest first.',
    }),
  },
  {
    $id: 'Usage',
    description: 'What a device has told of the bytes of its connection to the broker. The month is null before it has told any.',
  },
)

export const usageSchemas = [TrafficSchema, MonthUseSchema, UsageSchema] as const
