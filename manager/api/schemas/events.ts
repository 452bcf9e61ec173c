// Events, as the API shows them.

import { type Static, Type } from 'typebox'
import { eventTypes } from '../../core/events.js'
import { nullable, oneOf, time } from './basics.js'

export const EventSchema = Type.Object(
  {
    id: Type.Integer(),
    at: time,
    type: oneOf(eventTypes),
    device: nullable(Type.String()),
    group: nullable(Type.String()),
    app: nullable(Type.String()),
    message: Type.String(),
    data: Type.Record(Type.String(), Type.Unknown()),
  },
  { $id: 'Event' },
)
export type EventView = Static<typeof EventSchema>
