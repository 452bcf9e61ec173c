// The HTTP server: what holds for every route, and the routes themselves.
import type { Socket } from 'node:net'
import cookie from '@fastify/cookie'
import helmet from '@fastify/helmet'
import swagger from '@fastify/swagger'
import { type TypeBoxTypeProvider, TypeBoxValidatorCompiler } from '@fastify/type-provider-typebox'
import fastify, {
  type ConnectionError,
  type FastifyBaseLogger,
  type FastifyInstance,
  type FastifyReply,
  type FastifyRequest,
  type RawReplyDefaultExpression,
  type RawRequestDefaultExpression,
  type RawServerDefault,
} from 'fastify'
import type { Logger } from 'pino'
import { type ErrorCode, SkerryError } from '../../protocol/errors.js'
import type { Bridge } from '../bridge/bridge.js'
import type { Fleet } from '../fleet.js'
import type { Host } from '../identity/invitation.js'
import type { Joining } from '../identity/joining.js'
import type { Door } from '../users/door.js'
import { guardRoutes, viewer } from './access.js'
import { accessTokenRoutes } from './access-tokens.js'
import { appRoutes } from './apps.js'
import { askingRoutes } from './asking.js'
import { auditRoutes } from './audit.js'
import { auditChanges, auditRefusal } from './auditing.js'
import { identifyRequest } from './auth.js'
import { deviceRoutes } from './devices.js'
import { eventRoutes } from './events.js'
import { groupRoutes } from './groups.js'
import { type Health, healthRoutes } from './health.js'
import { imageRoutes } from './images.js'
import { joiningRoutes } from './joining.js'
import { keyRoutes } from './keys.js'
import { linkRoutes } from './links.js'
import { openapi } from './openapi.js'
import { permitRoutes } from './permits.js'
import { problemOf } from './problem.js'
import type { Problem } from './schemas/basics.js'
import { sharedSchemas } from './schemas/shared.js'
import type { Servers } from './servers.js'
import { sessionRoutes } from './sessions.js'
import { Streams } from './stream.js'
import { topicRoutes } from './topics.js'
import { usageRoutes } from './usage.js'
import { userRoutes } from './users.js'
import { versionRoutes } from './versions.js'

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
  readonly door: Door
  readonly servers: Servers
  readonly bridge: Bridge
  readonly joining: Joining | undefined
  readonly host: Host | undefined
  readonly log: Logger
}

const base = '/api/v1'
/** Largest body of a route that takes no compose file. */
const maxBodyBytes = 256 * 1024

/** The server, ready to listen. */
export async function buildApi(options: ApiOptions): Promise<Api> {
  const { fleet, health, door, servers, bridge, joining, host, log } = options
  const app: Api = fastify({
    bodyLimit: maxBodyBytes,
    forceCloseConnections: true,
    routerOptions: { maxParamLength: 200 },
    // A URL that no route can be looked up for never gets to the error handler below.
    frameworkErrors: (error, _request, reply) => sendProblem(reply, problemOf(error, 'message.too-large')),
    clientErrorHandler: refuseGarbage,
    serverFactory: handler => servers.create(handler),
  })
    .withTypeProvider<TypeBoxTypeProvider>()
    .setValidatorCompiler(TypeBoxValidatorCompiler)
    .setSerializerCompiler(() => data => JSON.stringify(data))
  await app.register(swagger, openapi(health.version))
  await app.register(cookie)
  await app.register(helmet, headers)
  for (const schema of sharedSchemas) app.addSchema(schema)
  app.addHook('onRequest', async (_request, reply) => void reply.header('cache-control', 'no-store'))
  guardRoutes(app, request => identifyRequest(door, request), bridge)
  app.addHook('onRequest', async request => checkEncoding(request.headers))
  const streams = new Streams(fleet, door)
  app.addHook('preClose', async () => streams.close())
  auditChanges(app, fleet.audit)
  app.setErrorHandler((error, request, reply) => {
    const problem = problemOf(error, tooLarge(request))
    auditRefusal(fleet.audit, request, problem, name => door.users.has(name))
    // Without the query: values of variables may stand there.
    if (problem.code === 'internal') log.error({ err: error, path: request.url.split('?', 1)[0] }, 'request failed')
    if (problem.status === 401) reply.header('www-authenticate', 'Bearer')
    if (problem.status === 429) reply.header('retry-after', '30')
    return sendProblem(reply, problem)
  })
  app.setNotFoundHandler(request => {
    throw new SkerryError('route.unknown', `there is no ${request.method} ${request.url.slice(0, 200)}`)
  })
  await app.register(
    async scope => {
      const api = scope.withTypeProvider<TypeBoxTypeProvider>()
      healthRoutes(api, health)
      deviceRoutes(api, fleet)
      groupRoutes(api, fleet)
      permitRoutes(api, fleet)
      joiningRoutes(api, { fleet, joining, host })
      appRoutes(api, fleet)
      versionRoutes(api, fleet)
      askingRoutes(api, fleet, streams)
      eventRoutes(api, fleet, streams)
      imageRoutes(api, fleet)
      linkRoutes(api, fleet)
      usageRoutes(api, fleet)
      auditRoutes(api, fleet)
      sessionRoutes(api, door, fleet.audit)
      keyRoutes(api, fleet)
      userRoutes(api, door)
      await api.register(async part => topicRoutes(part.withTypeProvider<TypeBoxTypeProvider>(), bridge))
      accessTokenRoutes(api, door)
      api.get('/openapi.json', { config: viewer('self'), schema: { hide: true } }, async () => app.swagger())
    },
    { prefix: base },
  )
  return app
}

/** What a browser is told: what comes from here is data, shown in no frame and by no other site. */
const headers = {
  contentSecurityPolicy: { useDefaults: false, directives: { defaultSrc: ["'none'"], frameAncestors: ["'none'"] } },
  // It would hold for every port of this host, whatever else is served there.
  strictTransportSecurity: false,
  xFrameOptions: { action: 'deny' },
} as const

/** Archives may be compressed, and say so themselves; whatever else comes is read as it is. */
function checkEncoding(headers: FastifyRequest['headers']): void {
  const encoding = headers['content-encoding'] ?? 'identity'
  if (encoding === 'identity') return
  if (encoding === 'gzip' && headers['content-type']?.startsWith('application/x-tar')) return
  throw new SkerryError('media.unsupported', `a body encoded as ${encoding.slice(0, 40)} is not read here`)
}

function sendProblem(reply: FastifyReply, problem: Problem): FastifyReply {
  return reply.code(problem.status).type('application/problem+json').serializer(JSON.stringify).send(problem)
}

/** Answers what is no HTTP, or more of it than Node reads; there is no request yet, so it is written by hand. */
function refuseGarbage(error: ConnectionError, socket: Socket): void {
  if (error.code === 'ECONNRESET' || !socket.writable) return void socket.destroy()
  const large = error.code === 'HPE_HEADER_OVERFLOW'
  const [code, detail] = large
    ? (['message.too-large', 'the header is larger than this server reads'] as const)
    : (['request.invalid', 'this is no HTTP request'] as const)
  const problem = problemOf(new SkerryError(code, detail), code)
  const body = JSON.stringify(problem)
  const head = `HTTP/1.1 ${problem.status} ${problem.title}\r\nConnection: close\r\nContent-Type: application/problem+json`
  socket.end(`${head}\r\nContent-Length: ${Buffer.byteLength(body)}\r\n\r\n${body}`)
}

function tooLarge({ routeOptions }: FastifyRequest): ErrorCode {
  return routeOptions.url?.endsWith('/apps/:app') === true ? 'spec.too-large' : 'message.too-large'
}
