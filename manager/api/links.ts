// Routes of links: the profiles, and how a device or a group is to use its link.
import { Type } from 'typebox'
import { profileNames, profiles } from '../../protocol/messages/link.js'
import { linkOf, showLink } from '../core/links.js'
import type { Target } from '../core/model.js'
import { findDevice } from '../devices.js'
import type { Fleet } from '../fleet.js'
import { findGroup } from '../groups.js'
import { clearLink, setLink } from '../links.js'
import { contextOf } from '../queries.js'
import { readLink } from '../store/links.js'
import { operator, viewer } from './access.js'
import { listOf, ProblemSchema, ref } from './schemas/basics.js'
import { LinkSchema, LinkStandingSchema, type LinkStandingView, linkSetting } from './schemas/links.js'
import type { Api } from './server.js'

const tags = ['links']
const problems = { 400: ref(ProblemSchema), 404: ref(ProblemSchema) }

export function linkRoutes(api: Api, fleet: Fleet): void {
  api.get(
    '/link-profiles',
    {
      config: viewer('list'),
      schema: { tags, summary: 'The link profiles that there are, with all that they set.', response: { 200: listOf(LinkSchema) } },
    },
    async () => ({ items: profileNames.map(name => showLink(profiles[name])) }),
  )
  targetRoutes(api, fleet, 'device')
  targetRoutes(api, fleet, 'group')
}

function targetRoutes(api: Api, fleet: Fleet, about: Target['kind']): void {
  const path = `/${about}s/:${about}/link`
  const params = Type.Object({ [about]: Type.String() })
  const find = (named: unknown): Target => {
    const name = (named as Readonly<Record<string, string>>)[about] ?? ''
    return { kind: about, name: about === 'device' ? findDevice(fleet, name).id : findGroup(fleet, name).name }
  }

  api.get(
    path,
    {
      config: viewer(about),
      schema: { tags, summary: `How a ${about} is to use its link.`, params, response: { 200: ref(LinkStandingSchema), ...problems } },
    },
    async request => showStanding(fleet, find(request.params)),
  )

  api.put(
    path,
    {
      config: operator(about),
      schema: {
        tags,
        summary: `Sets how a ${about} is to use its link, in place of what was set before; it holds as soon as agents hear of it.`,
        params,
        body: linkSetting,
        response: { 200: ref(LinkStandingSchema), ...problems },
      },
    },
    async request => {
      const target = find(request.params)
      setLink(fleet, target, request.body)
      return showStanding(fleet, target)
    },
  )

  api.delete(
    path,
    {
      config: operator(about),
      schema: { tags, summary: `The ${about} says nothing of its link any more.`, params, response: { 204: Type.Null(), ...problems } },
    },
    async (request, reply) => {
      clearLink(fleet, find(request.params))
      reply.code(204)
      return null
    },
  )
}

function showStanding(fleet: Fleet, target: Target): LinkStandingView {
  const setting = readLink(fleet.db, target)
  const device = target.kind === 'device' ? fleet.inventory.devices.get(target.name) : undefined
  if (device === undefined) {
    if (setting === undefined) return { setting: null, link: null, of: null }
    return { setting, link: showLink(linkOf(setting), setting.budgetBytes), of: target }
  }
  const { link, of, budgetBytes } = contextOf(fleet, device).link
  return { setting: setting ?? null, link: showLink(link, budgetBytes), of }
}
