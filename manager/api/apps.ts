// Routes of apps: the same ones below a device and below a group.
import { type Static, Type } from 'typebox'
import { checkDeploy, deployApp, findApp, findRevision, readFileOf, removeApp, setAppRun } from '../apps.js'
import type { App } from '../core/model.js'
import { isAppShown } from '../core/permit.js'
import type { Fleet } from '../fleet.js'
import { appOnDevices } from '../queries.js'
import { readApps, readAppsOf, readRevisions } from '../store/apps.js'
import { updateApp } from '../wishes.js'
import { operator, viewer, whoOf } from './access.js'
import { deployQuery, namingOf, policyOf } from './policy.js'
import { AppSchema, CheckedSchema, DeployedSchema, RevisionSchema, servicesBody } from './schemas/apps.js'
import { listOf, nullable, ProblemSchema, queryOf, ref } from './schemas/basics.js'
import type { Api } from './server.js'
import { showApp, showRefusals, showRevision, showSpec } from './show.js'
import { appParams, findTarget, onTarget, type TargetPath, targetKinds } from './targets.js'
import { archiveTypes, decodeText, maxUploadBytes, readUpload, textTypes, uploadBody } from './upload.js'

const problems = { 400: ref(ProblemSchema), 404: ref(ProblemSchema) }
const targetParams = Type.Object(onTarget)
const revisionParams = Type.Object({ ...onTarget, app: Type.String(), revision: Type.Integer({ minimum: 1 }) })

export function appRoutes(api: Api, fleet: Fleet): void {
  for (const type of textTypes)
    api.addContentTypeParser(type, { parseAs: 'buffer' }, async (_request: unknown, body: Buffer) => decodeText(body, 'the body'))
  for (const type of archiveTypes) api.addContentTypeParser(type, { parseAs: 'buffer' }, (_request, body, done) => done(null, body))
  api.get(
    '/apps',
    { config: viewer('list'), schema: { tags: ['apps'], summary: 'All apps on all targets.', response: { 200: listOf(AppSchema) } } },
    async request => ({
      items: readApps(fleet.db)
        .filter(app => isAppShown(whoOf(request), app))
        .map(app => showApp(app, appOnDevices(fleet, app))),
    }),
  )
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
    {
      config: viewer(kind),
      schema: { tags, summary: `The apps of a ${kind}.`, params: targetParams, response: { 200: listOf(AppSchema), ...problems } },
    },
    async ({ params }) => ({ items: readAppsOf(fleet.db, findTarget(fleet, kind, params.target)).map(app => show(fleet, app)) }),
  )

  api.get(
    `/${path}/:target/apps/:app`,
    {
      config: viewer(kind),
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
      config: viewer(kind),
      schema: { tags, summary: 'All revisions, newest first.', params: appParams, response: { 200: listOf(RevisionSchema), ...problems } },
    },
    async ({ params }) => ({ items: readRevisions(fleet.db, find(params)).map(showRevision) }),
  )

  api.get(
    `/${path}/:target/apps/:app/revisions/:revision`,
    {
      config: viewer(kind),
      schema: {
        tags,
        summary: 'One revision, with its compose file and what its files are.',
        params: revisionParams,
        response: { 200: ref(RevisionSchema), ...problems },
      },
    },
    async ({ params }) => showSpec(findRevision(fleet, find(params), params.revision)),
  )

  api.get(
    `/${path}/:target/apps/:app/revisions/:revision/file`,
    {
      config: viewer(kind),
      schema: {
        tags,
        summary: 'The contents of a file of a revision.',
        params: revisionParams,
        querystring: queryOf({ path: Type.String({ description: 'As the revision names it.' }) }),
        produces: ['application/octet-stream'],
        response: { 200: Type.Any({ description: 'The file’s bytes.' }), ...problems },
      },
    },
    async ({ params, query }, reply) => {
      const contents = readFileOf(fleet, findRevision(fleet, find(params), params.revision), query.path)
      return reply.type('application/octet-stream').send(Buffer.from(contents))
    },
  )
}

function changeRoutes(api: Api, fleet: Fleet, path: TargetPath): void {
  const tags = ['apps']
  const kind = targetKinds[path]

  api.put(
    `/${path}/:target/apps/:app`,
    {
      bodyLimit: maxUploadBytes,
      config: operator(kind),
      schema: {
        tags,
        summary: `Deploys a compose file, with the files that it needs, to a ${kind}. The same again changes nothing.`,
        consumes: Object.keys(uploadBody.content),
        params: appParams,
        querystring: deployQuery,
        body: uploadBody,
        response: {
          200: Type.Union([ref(DeployedSchema), ref(CheckedSchema)]),
          201: ref(DeployedSchema),
          ...problems,
          413: ref(ProblemSchema),
          415: ref(ProblemSchema),
        },
      },
    },
    async (request, reply) => {
      const { params, query, body, ip } = request
      const target = findTarget(fleet, kind, params.target)
      const bundle = await readUpload(body, query)
      const named = namingOf(query)
      if (query.dryRun === true) {
        const { services, warnings } = checkDeploy(fleet, { target, name: params.app, bundle, ...named })
        reply.code(200)
        return { services: [...services], changed: false as const, warnings: showRefusals(warnings) }
      }
      const deployment = {
        target,
        name: params.app,
        bundle,
        origin: { via: 'api', from: ip, user: whoOf(request).name },
        policy: policyOf(query),
        ...named,
      }
      const { created, changed, warnings } = deployApp(fleet, deployment)
      const shown = { ...show(fleet, findApp(fleet, target, params.app)), changed, warnings: showRefusals(warnings) }
      reply.code(created ? 201 : 200)
      return shown
    },
  )

  api.delete(
    `/${path}/:target/apps/:app`,
    {
      config: operator(kind),
      schema: {
        tags,
        summary: 'Deletes an app from its target, with its volumes and images if asked to and nothing else uses them.',
        params: appParams,
        querystring: queryOf({ volumes: Type.Optional(Type.Boolean()), images: Type.Optional(Type.Boolean()) }),
        response: { 204: Type.Null(), ...problems },
      },
    },
    async ({ params, query }, reply) => {
      removeApp(fleet, findApp(fleet, findTarget(fleet, kind, params.target), params.app), query)
      reply.code(204)
      return null
    },
  )

  api.post(
    `/${path}/:target/apps/:app/update`,
    {
      config: operator(kind),
      schema: {
        tags,
        summary: 'Pulls the images of an app anew, of all or some services, and makes anew what got another image.',
        params: appParams,
        body: nullable(servicesBody),
        response: { 200: ref(AppSchema), ...problems },
      },
    },
    async ({ params, body }) => {
      const target = findTarget(fleet, kind, params.target)
      updateApp(fleet, findApp(fleet, target, params.app), body?.services ?? [])
      return show(fleet, findApp(fleet, target, params.app))
    },
  )

  for (const [verb, run] of [
    ['start', 'running'],
    ['stop', 'stopped'],
  ] as const) {
    api.post(
      `/${path}/:target/apps/:app/${verb}`,
      {
        config: operator(kind),
        schema: { tags, summary: `Lets an app be ${run}.`, params: appParams, response: { 200: ref(AppSchema), ...problems } },
      },
      async ({ params }) => {
        const target = findTarget(fleet, kind, params.target)
        setAppRun(fleet, findApp(fleet, target, params.app), run)
        return show(fleet, findApp(fleet, target, params.app))
      },
    )
  }
}

function show(fleet: Fleet, app: App): ReturnType<typeof showApp> {
  return showApp(app, appOnDevices(fleet, app))
}
