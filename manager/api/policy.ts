// An app's policy beside what is deployed: query parameters, as the body may be of any kind.
import { type Static, Type } from 'typebox'
import { restartPolicies } from '../../protocol/messages/manifest.js'
import type { PolicyPatch } from '../core/wishes.js'
import { oneOf, queryOf } from './schemas/basics.js'
import { uploadQuery } from './upload.js'

const restart =
  'When a service is started again that ended and whose compose file asks for no restart. These three stay as they are where absent.'

export const deployQuery = queryOf({
  ...uploadQuery.properties,
  restart: Type.Optional(Type.Unsafe<(typeof restartPolicies)[number]>({ ...oneOf(restartPolicies), description: restart })),
  settleS: Type.Optional(
    Type.Integer({
      minimum: 0,
      maximum: 86_400,
      description: 'Seconds until a new revision counts as good; 0: what its health checks need.',
    }),
  ),
  rollBack: Type.Optional(Type.Boolean({ description: 'Whether the last good revision comes back when a new one fails.' })),
})

export function policyOf({ restart, settleS, rollBack }: Static<typeof deployQuery>): PolicyPatch {
  return {
    ...(restart === undefined ? {} : { restart }),
    ...(settleS === undefined ? {} : { settleS }),
    ...(rollBack === undefined ? {} : { rollBack }),
  }
}
