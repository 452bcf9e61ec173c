// The HTTP server: what holds for every route, and the routes themselves.
import swagger from '@fastify/swagger'
import { type TypeBoxTypeProvider, TypeBoxValidatorCompiler } from '@fastify/type-provider-typebox'
import fastify, {
  type FastifyBaseLogger,
  type FastifyInstance,
  type FastifyRequest,
  type RawReplyDefaultExpression,
  type RawRequestDefaultExpression,
  type RawServerDefault,
} from 'fastify'
import type { Logger } from 'pino'
import { type ErrorCode, SkerryError } from '../../protocol/errors.js'
import type { Fleet } from '../fleet.js'
import { appRoutes } from './apps.js'
import { checkRequest } from './auth.js'
import { deviceRoutes } from './devices.js'
import { eventRoutes } from './events.js'
import { groupRoutes } from './groups.js'
import { type Health, healthRoutes } from './health.js'
import { openapi } from './openapi.js'
import { problemOf } from './problem.js'
import { sharedSchemas } from './schemas.js'

export type Api = FastifyInstance<
  RawServerDefault,
  RawRequestDefaultExpression,
  RawReplyDefaultExpression,
  FastifyBaseLogger,
  TypeBoxTypeProvider
>

export interface ApiOptions {
  readonly fleet: Fleet
  readonly health: Health
  readonly token?: string | undefined
  readonly log: Logger
}

export const base = '/api/v1'
/** Largest body of a route that takes no compose file. */
const maxBodyBytes = 256 * 1024

/** The server, ready to listen. */
export async function buildApi(options: ApiOptions): Promise<Api> {
  const { fleet, health, token, log } = options
  const app: Api = fastify({
    bodyLimit: maxBodyBytes,
    forceCloseConnections: true,
    routerOptions: { maxParamLength: 200 },
    // What fails before a route is found, such as %ff in a path.
    frameworkErrors: (error, _request, reply) => {
      const problem = problemOf(error, 'request.invalid')
      reply.hijack()
      reply.raw.writeHead(problem.status, { 'content-type': 'application/problem+json', 'x-content-type-options': 'nosniff' })
      reply.raw.end(JSON.stringify(problem))
    },
  })
    .withTypeProvider<TypeBoxTypeProvider>()
    .setValidatorCompiler(TypeBoxValidatorCompiler)
    .setSerializerCompiler(() => data => JSON.stringify(data))
  await app.register(swagger, openapi(health.version))
  for (const schema of sharedSchemas) app.addSchema(schema)
  app.addHook('onRequest', async (request, reply) => {
    reply.header('x-content-type-options', 'nosniff').header('cache-control', 'no-store')
    if (request.url.split('?')[0] === `${base}/health`) return
    checkRequest(request.headers, token)
  })
  app.setErrorHandler((error, request, reply) => {
    const problem = problemOf(error, tooLarge(request))
    if (problem.code === 'internal') log.error({ err: error, url: request.url }, 'request failed')
    if (problem.status === 401) reply.header('www-authenticate', 'Bearer')
    return reply.code(problem.status).type('application/problem+json').serializer(JSON.stringify).send(problem)
  })
  app.setNotFoundHandler(request => {
    throw new SkerryError('route.unknown', `there is no ${request.method} ${request.url.slice(0, 200)}`)
  })
  for (const type of ['application/yaml', 'application/x-yaml', 'text/yaml']) {
    app.addContentTypeParser(type, { parseAs: 'string' }, (_request, body, done) => done(null, body))
  }
  await app.register(
    async scope => {
      const api = scope.withTypeProvider<TypeBoxTypeProvider>()
      healthRoutes(api, health)
      deviceRoutes(api, fleet)
      groupRoutes(api, fleet)
      appRoutes(api, fleet)
      eventRoutes(api, fleet)
      api.get('/openapi.json', { schema: { hide: true } }, async () => app.swagger())
    },
    { prefix: base },
  )
  return app
}

function tooLarge(request: FastifyRequest): ErrorCode {
  return request.method === 'PUT' ? 'spec.too-large' : 'message.too-large'
}
