// Routes of image lists: those of the fleet, and the same below a group.
import { Type } from 'typebox'
import { isShown } from '../core/permit.js'
import type { Fleet } from '../fleet.js'
import { allowImages, clearImages, listOwner, removeImages } from '../images.js'
import { readImageLists } from '../store/image-lists.js'
import { admin, viewer, whoOf } from './access.js'
import { nullable, ProblemSchema, ref } from './schemas/basics.js'
import type { Api } from './server.js'

const tags = ['images']
const patterns = Type.Array(Type.String(), { description: 'Such as registry.example/team/** or nginx:1.*.' })
const listSchema = Type.Object({ group: nullable(Type.String({ description: 'Null: the fleet’s.' })), patterns })
const body = Type.Object({ patterns: Type.Array(Type.String(), { minItems: 1, maxItems: 200 }) }, { additionalProperties: false })
const problems = { 400: ref(ProblemSchema), 404: ref(ProblemSchema) }

export function imageRoutes(api: Api, fleet: Fleet): void {
  api.get(
    '/images',
    {
      config: viewer('list'),
      schema: {
        tags,
        summary:
          'The lists of images that may run. An image must be on every list that holds for its device; without any list all may run.',
        response: { 200: Type.Object({ items: Type.Array(listSchema) }) },
      },
    },
    async request => ({
      items: readImageLists(fleet.db)
        .map(({ kind, name, patterns }) => ({ group: kind === 'fleet' ? null : name, patterns: [...patterns] }))
        .filter(({ group }) => group === null || isShown(whoOf(request), { kind: 'group', name: group })),
    }),
  )
  changeRoutes(api, fleet, 'fleet')
  changeRoutes(api, fleet, 'group')
}

function changeRoutes(api: Api, fleet: Fleet, about: 'fleet' | 'group'): void {
  const path = about === 'fleet' ? '/images' : '/groups/:group/images'
  const of = about === 'fleet' ? 'the fleet' : 'a group'
  const params = about === 'fleet' ? Type.Object({}) : Type.Object({ group: Type.String() })
  const ownerOf = (named: unknown) => listOwner(fleet, (named as { readonly group?: string }).group)

  for (const [verb, change, summary] of [
    ['allow', allowImages, `Puts patterns on the image list of ${of}. It holds from its first pattern on: what is not on it is refused.`],
    ['remove', removeImages, `Takes patterns off the image list of ${of}. An empty list allows nothing.`],
  ] as const) {
    api.post(
      `${path}/${verb}`,
      { config: admin(about), schema: { tags, summary, params, body, response: { 200: listSchema, ...problems } } },
      async request => {
        const owner = ownerOf(request.params)
        const patterns = change(fleet, owner, request.body.patterns)
        return { group: owner.kind === 'fleet' ? null : owner.name, patterns: [...patterns] }
      },
    )
  }

  api.delete(
    path,
    {
      config: admin(about),
      schema: { tags, summary: `Removes the image list of ${of}: it allows all.`, params, response: { 204: Type.Null(), ...problems } },
    },
    async (request, reply) => {
      clearImages(fleet, ownerOf(request.params))
      reply.code(204)
      return null
    },
  )
}
