// Routes of an app's versions, and of going back to a stored revision: the same ones below a device and below a group.
import { type Static, Type } from 'typebox'
import { SkerryError } from '../../protocol/errors.js'
import { findApp } from '../apps.js'
import type { App } from '../core/model.js'
import type { Fleet } from '../fleet.js'
import { appOnDevices } from '../queries.js'
import { switchRevision } from '../revisions.js'
import type { Origin } from '../store/apps.js'
import { readVersions } from '../store/versions.js'
import { findVersion, nameRevision, removeVersion, switchVersion } from '../versions.js'
import { operator, viewer, whoOf } from './access.js'
import { AppSchema, VersionSchema } from './schemas/apps.js'
import { listOf, ProblemSchema, ref } from './schemas/basics.js'
import type { Api } from './server.js'
import { showApp, showVersion } from './show.js'
import { appParams, findTarget, onTarget, type TargetPath, targetKinds } from './targets.js'

const tags = ['apps']
const problems = { 400: ref(ProblemSchema), 404: ref(ProblemSchema), 409: ref(ProblemSchema) }
const revision = Type.Integer({ minimum: 1 })
const versionParams = Type.Object({ ...onTarget, app: Type.String(), version: Type.String() })
const switchBody = Type.Object(
  {
    revision: Type.Optional(Type.Union([revision, Type.Literal('previous')], { description: 'A number, or previous.' })),
    version: Type.Optional(Type.String()),
  },
  { additionalProperties: false, description: 'One of the two.' },
)

export function versionRoutes(api: Api, fleet: Fleet): void {
  for (const path of ['devices', 'groups'] as const) {
    nameRoutes(api, fleet, path)
    switchRoute(api, fleet, path)
  }
}

function nameRoutes(api: Api, fleet: Fleet, path: TargetPath): void {
  const kind = targetKinds[path]
  const find = (params: Static<typeof appParams>) => findApp(fleet, findTarget(fleet, kind, params.target), params.app)

  api.get(
    `/${path}/:target/apps/:app/versions`,
    {
      config: viewer(kind),
      schema: {
        tags,
        summary: 'The names of its revisions, the one given or asked for last first.',
        params: appParams,
        response: { 200: listOf(VersionSchema), ...problems },
      },
    },
    async ({ params }) => ({ items: readVersions(fleet.db, find(params)).map(showVersion) }),
  )

  api.put(
    `/${path}/:target/apps/:app/versions/:version`,
    {
      config: operator(kind),
      schema: {
        tags,
        summary: 'Gives a stored revision a name. The name of another text is taken only if it is to move.',
        params: versionParams,
        body: Type.Object({ revision, move: Type.Optional(Type.Boolean()) }, { additionalProperties: false }),
        response: { 200: ref(VersionSchema), ...problems },
      },
    },
    async request => {
      const { params, body } = request
      const app = find(params)
      nameRevision(fleet, app, { name: params.version, ...body }, { via: 'api', from: request.ip, user: whoOf(request).name })
      return showVersion(findVersion(fleet, app, params.version))
    },
  )

  api.delete(
    `/${path}/:target/apps/:app/versions/:version`,
    {
      config: operator(kind),
      schema: {
        tags,
        summary: 'Takes a name away. Its revision stays.',
        params: versionParams,
        response: { 204: Type.Null(), ...problems },
      },
    },
    async ({ params }, reply) => {
      removeVersion(fleet, find(params), params.version)
      reply.code(204)
      return null
    },
  )
}

function switchRoute(api: Api, fleet: Fleet, path: TargetPath): void {
  const kind = targetKinds[path]

  api.post(
    `/${path}/:target/apps/:app/switch`,
    {
      config: operator(kind),
      schema: {
        tags,
        summary: 'Makes a stored revision or a version current again. What runs keeps running, what is stopped stays so.',
        params: appParams,
        body: switchBody,
        response: { 200: ref(AppSchema), ...problems },
      },
    },
    async request => {
      const { params, body } = request
      const target = findTarget(fleet, kind, params.target)
      const origin = { via: 'api', from: request.ip, user: whoOf(request).name }
      switchApp(fleet, findApp(fleet, target, params.app), body, origin)
      const app = findApp(fleet, target, params.app)
      return showApp(app, appOnDevices(fleet, app))
    },
  )
}

function switchApp(fleet: Fleet, app: App, { revision, version }: Static<typeof switchBody>, origin: Origin): boolean {
  if (version !== undefined && revision === undefined) return switchVersion(fleet, app, version, origin)
  if (revision !== undefined && version === undefined) return switchRevision(fleet, app, revision, origin)
  throw new SkerryError('request.invalid', 'give either revision or version')
}
