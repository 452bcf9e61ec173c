// What is said beside what is deployed, an app's policy and the version's name: query parameters, as the body may be of any kind.
import { type Static, Type } from 'typebox'
import { restartPolicies } from '../../protocol/messages/manifest.js'
import type { PolicyPatch } from '../core/wishes.js'
import type { Naming } from '../versions.js'
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
  version: Type.Optional(Type.String({ description: 'The name that this text is to have, such as 1.4.0.' })),
  move: Type.Optional(Type.Boolean({ description: 'The name may be taken from another text.' })),
})

export function policyOf({ restart, settleS, rollBack }: Static<typeof deployQuery>): PolicyPatch {
  return {
    ...(restart === undefined ? {} : { restart }),
    ...(settleS === undefined ? {} : { settleS }),
    ...(rollBack === undefined ? {} : { rollBack }),
  }
}

export function namingOf({ version, move = false }: Static<typeof deployQuery>): { readonly version?: Naming } {
  return version === undefined ? {} : { version: { name: version, move } }
}
