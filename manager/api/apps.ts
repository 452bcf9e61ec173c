// Routes of apps: the same ones below a device and below a group.
import { type Static, Type } from 'typebox'
import { SkerryError } from '../../protocol/errors.js'
import { maxSpecBytes } from '../../protocol/messages.js'
import { checkDeployment, deployApp, findApp, removeApp, setAppRun } from '../apps.js'
import type { App, Target } from '../core/model.js'
import { findDevice } from '../devices.js'
import type { Fleet } from '../fleet.js'
import { findGroup } from '../groups.js'
import { appOnDevices } from '../queries.js'
import { readApps, readAppsOf, readRevision, readRevisions } from '../store/apps.js'
import { AppSchema, CheckedSchema, DeployedSchema, listOf, ProblemSchema, RevisionSchema, ref } from './schemas.js'
import type { Api } from './server.js'
import { showApp, showRefusals, showRevision } from './show.js'

const composeBody = Type.Union([
  Type.String({ description: 'The compose file, as application/yaml or text/plain.' }),
  Type.Object({ compose: Type.String() }, { additionalProperties: false, description: 'The same in JSON.' }),
])

const targetKinds = { devices: 'device', groups: 'group' } as const
type TargetPath = keyof typeof targetKinds

const problems = { 400: ref(ProblemSchema), 404: ref(ProblemSchema) }
const onTarget = { target: Type.String({ description: 'A device by id or unique name, or a group by name.' }) }
const targetParams = Type.Object(onTarget)
const appParams = Type.Object({ ...onTarget, app: Type.String() })
const revisionParams = Type.Object({ ...onTarget, app: Type.String(), revision: Type.Integer({ minimum: 1 }) })

export function appRoutes(api: Api, fleet: Fleet): void {
  api.get('/apps', { schema: { tags: ['apps'], summary: 'All apps on all targets.', response: { 200: listOf(AppSchema) } } }, async () => ({
    items: readApps(fleet.db).map(app => showApp(app, appOnDevices(fleet, app))),
  }))
  for (const path of ['devices', 'groups'] as const) {
    readRoutes(api, fleet, path)
    changeRoutes(api, fleet, path)
  }
}

function readRoutes(api: Api, fleet: Fleet, path: TargetPath): void {
  const tags = ['apps']
  const kind = targetKinds[path]
  const find = (params: Static<typeof appParams>) => findApp(fleet, findTarget(fleet, kind, params.target), params.app)

  api.get(
    `/${path}/:target/apps`,
    { schema: { tags, summary: `The apps of a ${kind}.`, params: targetParams, response: { 200: listOf(AppSchema), ...problems } } },
    async ({ params }) => ({ items: readAppsOf(fleet.db, findTarget(fleet, kind, params.target)).map(app => show(fleet, app)) }),
  )

  api.get(
    `/${path}/:target/apps/:app`,
    {
      schema: {
        tags,
        summary: 'An app, with its state on each device.',
        params: appParams,
        response: { 200: ref(AppSchema), ...problems },
      },
    },
    async ({ params }) => show(fleet, find(params)),
  )

  api.get(
    `/${path}/:target/apps/:app/revisions`,
    {
      schema: { tags, summary: 'All revisions, newest first.', params: appParams, response: { 200: listOf(RevisionSchema), ...problems } },
    },
    async ({ params }) => ({ items: readRevisions(fleet.db, find(params)).map(showRevision) }),
  )

  api.get(
    `/${path}/:target/apps/:app/revisions/:revision`,
    {
      schema: {
        tags,
        summary: 'One revision, with its compose file.',
        params: revisionParams,
        response: { 200: ref(RevisionSchema), ...problems },
      },
    },
    async ({ params }) => {
      const row = readRevision(fleet.db, find(params), params.revision)
      if (row === undefined) throw new SkerryError('revision.unknown', `${params.app} has no revision ${params.revision}`)
      return showRevision(row)
    },
  )
}

function changeRoutes(api: Api, fleet: Fleet, path: TargetPath): void {
  const tags = ['apps']
  const kind = targetKinds[path]

  api.put(
    `/${path}/:target/apps/:app`,
    {
      bodyLimit: maxSpecBytes,
      schema: {
        tags,
        summary: `Deploys a compose file to a ${kind}. The same text again changes nothing.`,
        consumes: ['application/yaml', 'application/x-yaml', 'text/yaml', 'text/plain', 'application/json'],
        params: appParams,
        querystring: Type.Object({ dryRun: Type.Optional(Type.Boolean({ description: 'Only checks.' })) }),
        body: composeBody,
        response: {
          200: Type.Union([ref(DeployedSchema), ref(CheckedSchema)]),
          201: ref(DeployedSchema),
          ...problems,
          413: ref(ProblemSchema),
        },
      },
    },
    async ({ params, query, body, ip }, reply) => {
      const target = findTarget(fleet, kind, params.target)
      const compose = typeof body === 'string' ? body : body.compose
      if (query.dryRun === true) {
        const { services, warnings } = checkDeployment(params.app, compose)
        reply.code(200)
        return { services: [...services], changed: false as const, warnings: showRefusals(warnings) }
      }
      const deployment = { target, name: params.app, compose, origin: { via: 'api', from: ip } }
      const { created, changed, warnings } = deployApp(fleet, deployment)
      const shown = { ...show(fleet, findApp(fleet, target, params.app)), changed, warnings: showRefusals(warnings) }
      reply.code(created ? 201 : 200)
      return shown
    },
  )

  api.delete(
    `/${path}/:target/apps/:app`,
    { schema: { tags, summary: 'Deletes an app from its target.', params: appParams, response: { 204: Type.Null(), ...problems } } },
    async ({ params }, reply) => {
      removeApp(fleet, findApp(fleet, findTarget(fleet, kind, params.target), params.app))
      reply.code(204)
      return null
    },
  )

  for (const [verb, run] of [
    ['start', 'running'],
    ['stop', 'stopped'],
  ] as const) {
    api.post(
      `/${path}/:target/apps/:app/${verb}`,
      { schema: { tags, summary: `Lets an app be ${run}.`, params: appParams, response: { 200: ref(AppSchema), ...problems } } },
      async ({ params }) => {
        const target = findTarget(fleet, kind, params.target)
        setAppRun(fleet, findApp(fleet, target, params.app), run)
        return show(fleet, findApp(fleet, target, params.app))
      },
    )
  }
}

function findTarget(fleet: Fleet, kind: Target['kind'], name: string): Target {
  return { kind, name: kind === 'device' ? findDevice(fleet, name).id : findGroup(fleet, name).name }
}

function show(fleet: Fleet, app: App): ReturnType<typeof showApp> {
  return showApp(app, appOnDevices(fleet, app))
}
