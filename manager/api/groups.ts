// Routes of groups.
import { Type } from 'typebox'
import { isShown } from '../core/permit.js'
import type { Fleet } from '../fleet.js'
import { createGroup, deleteGroup, findGroup, joinGroup, leaveGroup } from '../groups.js'
import { devicesOfGroup } from '../queries.js'
import { readAppsOf } from '../store/apps.js'
import { type GroupRow, readGroups } from '../store/groups.js'
import { readPermit } from '../store/permits.js'
import { admin, checkDevices, viewer, whoOf } from './access.js'
import { listOf, ProblemSchema, queryOf, ref } from './schemas/basics.js'
import { GroupSchema } from './schemas/devices.js'
import type { Api } from './server.js'
import { showGroup } from './show.js'

const groupParams = Type.Object({ group: Type.String() })
const devices = Type.Array(Type.String(), { maxItems: 10_000, description: 'Ids or unique names.' })

export function groupRoutes(api: Api, fleet: Fleet): void {
  const tags = ['groups']
  const show = (group: GroupRow) => {
    const target = { kind: 'group', name: group.name } as const
    const [devices, apps] = [devicesOfGroup(fleet, group.name), readAppsOf(fleet.db, target)]
    return showGroup({ group, devices, apps, permit: readPermit(fleet.db, target) })
  }

  api.get(
    '/groups',
    { config: viewer('list'), schema: { tags, summary: 'All groups, sorted by name.', response: { 200: listOf(GroupSchema) } } },
    async request => ({
      items: readGroups(fleet.db)
        .filter(({ name }) => isShown(whoOf(request), { kind: 'group', name }))
        .map(show),
    }),
  )

  api.post(
    '/groups',
    {
      config: admin('fleet'),
      schema: {
        tags,
        summary: 'Makes a group, with devices if any are named.',
        body: Type.Object({ name: Type.String(), devices: Type.Optional(devices) }, { additionalProperties: false }),
        response: { 201: ref(GroupSchema), 400: ref(ProblemSchema), 404: ref(ProblemSchema), 409: ref(ProblemSchema) },
      },
    },
    async ({ body }, reply) => {
      createGroup(fleet, body.name, body.devices ?? [])
      reply.code(201)
      return show(findGroup(fleet, body.name))
    },
  )

  api.get(
    '/groups/:group',
    {
      config: viewer('group'),
      schema: { tags, summary: 'One group.', params: groupParams, response: { 200: ref(GroupSchema), 404: ref(ProblemSchema) } },
    },
    async ({ params }) => show(findGroup(fleet, params.group)),
  )

  api.delete(
    '/groups/:group',
    {
      config: admin('group'),
      schema: {
        tags,
        summary: 'Deletes a group; with force also one that has apps, which its devices then lose.',
        params: groupParams,
        querystring: queryOf({ force: Type.Optional(Type.Boolean()) }),
        response: { 204: Type.Null(), 404: ref(ProblemSchema), 409: ref(ProblemSchema) },
      },
    },
    async ({ params, query }, reply) => {
      deleteGroup(fleet, params.group, query.force ?? false)
      reply.code(204)
      return null
    },
  )

  for (const [verb, change, summary] of [
    ['join', joinGroup, 'Lets devices join. All or none: an unknown device refuses the whole request.'],
    ['leave', leaveGroup, 'Lets devices leave; they lose what the group gave them. All or none.'],
  ] as const) {
    api.post(
      `/groups/:group/${verb}`,
      {
        config: admin('group'),
        schema: {
          tags,
          summary,
          params: groupParams,
          body: Type.Object({ devices }, { additionalProperties: false }),
          response: { 200: ref(GroupSchema), 404: ref(ProblemSchema) },
        },
      },
      async request => {
        const { params, body } = request
        checkDevices(whoOf(request), body.devices)
        change(fleet, params.group, body.devices)
        return show(findGroup(fleet, params.group))
      },
    )
  }
}
