// Routes of permits: of devices, and the same of groups.
import { Type } from 'typebox'
import { SkerryError } from '../../protocol/errors.js'
import type { Permit } from '../../protocol/permit.js'
import type { Target } from '../core/model.js'
import { findDevice } from '../devices.js'
import type { Fleet } from '../fleet.js'
import { findGroup } from '../groups.js'
import { givePermit } from '../permits.js'
import { readPermit } from '../store/permits.js'
import { plainAddress } from '../users/logins.js'
import { operator, whoOf } from './access.js'
import { nullable, ProblemSchema, ref } from './schemas/basics.js'
import { PermitSchema, permitBody } from './schemas/permits.js'
import type { Api } from './server.js'
import { showPermit } from './show.js'

const problems = { 400: ref(ProblemSchema), 403: ref(ProblemSchema), 404: ref(ProblemSchema) }

export function permitRoutes(api: Api, fleet: Fleet): void {
  addRoute(api, fleet, 'device')
  addRoute(api, fleet, 'group')
}

function addRoute(api: Api, fleet: Fleet, kind: Target['kind']): void {
  api.put(
    `/${kind}s/:target/permit`,
    {
      config: operator(kind),
      schema: {
        tags: [`${kind}s`],
        summary: `Lets ${kind === 'device' ? 'a device' : 'the devices of a group'} change containers, or holds them, or asks for no permit any more.`,
        params: Type.Object({ target: Type.String() }),
        body: permitBody,
        response: { 200: nullable(ref(PermitSchema)), ...problems },
      },
    },
    async request => {
      const { params, body } = request
      const name = kind === 'device' ? findDevice(fleet, params.target).id : findGroup(fleet, params.target).name
      givePermit(fleet, { kind, name }, permitOf(body), { user: whoOf(request).name, address: plainAddress(request.ip) })
      return showPermit(readPermit(fleet.db, { kind, name }))
    },
  )
}

function permitOf({ value, leaseS }: { value: boolean | null; leaseS?: number }): Permit | null {
  if (leaseS !== undefined && value !== true)
    throw new SkerryError('request.invalid', 'only a permit that allows has a lease', { path: 'leaseS' })
  return value === null ? null : { value, ...(leaseS === undefined ? {} : { leaseS }) }
}
