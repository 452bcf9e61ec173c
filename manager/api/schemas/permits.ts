// Permits, and what is held for want of one, as the API shows them.

import { type Static, Type } from 'typebox'
import { maxLeaseS } from '../../../protocol/permit.js'
import { nullable, oneOf, time } from './basics.js'

export const PermitSchema = Type.Object(
  {
    value: Type.Boolean({ description: 'Whether containers may be changed.' }),
    leaseS: nullable(Type.Integer({ description: 'How long it counts each time that it is given; null: until something else is said.' })),
    by: nullable(Type.String({ description: 'Who gave it, in their own words.' })),
    user: nullable(Type.String({ description: 'The user who gave it, if that is known.' })),
    address: nullable(Type.String({ description: 'From where.' })),
    since: time,
  },
  { $id: 'Permit' },
)
export type PermitView = Static<typeof PermitSchema>

export const HeldSchema = Type.Object(
  {
    by: oneOf(['device', 'group', 'owner'] as const),
    group: nullable(Type.String({ description: 'Whose permit holds it, if a group’s does.' })),
    why: oneOf(['withheld', 'lapsed', 'missing'] as const),
    who: nullable(Type.String({ description: 'Who gave that permit.' })),
    since: time,
  },
  { $id: 'Held', description: 'Nothing but pulls is done for want of a permit.' },
)
export type HeldView = Static<typeof HeldSchema>

export const permitBody = Type.Object(
  {
    value: nullable(Type.Boolean({ description: 'Null: no permit is asked for any more.' })),
    leaseS: Type.Optional(Type.Integer({ minimum: 1, maximum: maxLeaseS, description: 'With true: it lapses after so many seconds.' })),
  },
  { additionalProperties: false },
)
