// Topics over HTTP, for programs that speak no MQTT: a command and its answer, a value, and the last value of a topic.
import { isUtf8 } from 'node:buffer'
import type { FastifyReply, FastifyRequest } from 'fastify'
import { Type } from 'typebox'
import type { Answer } from '../../protocol/answer.js'
import { maxSpecBytes } from '../../protocol/messages/spec.js'
import type { Bridge } from '../bridge/bridge.js'
import type { Value } from '../bridge/values.js'
import { operator, viewer, whoOf } from './access.js'
import { statusOf } from './problem.js'
import { ProblemSchema, queryOf, ref } from './schemas/basics.js'
import { AnswerSchema, PublishedSchema, ValueSchema } from './schemas/topics.js'
import type { Api } from './server.js'

const tags = ['topics']
const anything = { schema: Type.Any({ description: 'The payload, as it is.' }) }
const problems = Object.fromEntries([400, 403, 404, 409, 413, 500, 503, 504].map(status => [status, ref(ProblemSchema)]))

/** A compose file, as JSON string with every character escaped, is larger than the file. */
const maxBodyBytes = 2 * maxSpecBytes

export async function topicRoutes(api: Api, bridge: Bridge): Promise<void> {
  // Whatever its type: the payload of a topic has none.
  api.removeAllContentTypeParsers()
  api.addContentTypeParser('*', { parseAs: 'buffer' }, (_request, body, done) => done(null, body))

  for (const method of ['PUT', 'POST'] as const) {
    api.route({
      method,
      url: '/topics/*',
      bodyLimit: maxBodyBytes,
      config: operator('topic'),
      schema: {
        tags,
        summary:
          'Publishes the body. A command or a permit is done, and answered as over MQTT; a value is handed to whoever has subscribed.',
        querystring: queryOf({
          retain: Type.Optional(Type.Boolean({ description: 'The broker keeps the value; an empty one clears it.' })),
        }),
        body: { content: { 'application/octet-stream': anything, 'text/plain': anything } },
        response: { 200: Type.Union([ref(AnswerSchema), ref(PublishedSchema)]), ...problems },
      },
      handler: async (request, reply) => publish(bridge, request, reply),
    })
  }

  api.get(
    '/topics/*',
    {
      config: viewer('topic'),
      schema: {
        tags,
        summary: 'The last value of a topic: as it is, or in JSON where that is accepted.',
        response: {
          200: {
            description: 'The value.',
            content: { 'application/json': { schema: ref(ValueSchema) }, 'application/octet-stream': anything },
          },
          ...problems,
        },
      },
    },
    async (request, reply) => {
      const value = await bridge.read(request.topic)
      return /\bapplication\/json\b/.test(request.headers.accept ?? '') ? reply.send(inJson(value)) : sendPlain(reply, value)
    },
  )
}

async function publish(bridge: Bridge, request: FastifyRequest, reply: FastifyReply): Promise<FastifyReply> {
  const { topic, body, query } = request
  const { retain = false } = query as { readonly retain?: boolean }
  const payload = body instanceof Uint8Array ? body : new Uint8Array()
  if (bridge.isCommand(topic)) {
    const answer = await bridge.command(whoOf(request), { topic, payload, retain })
    return reply.code(statusOfAnswer(answer)).send(answer)
  }
  await bridge.publish(whoOf(request), { topic, payload, retain })
  return reply.send({ topic, sizeBytes: payload.length, retained: retain })
}

function statusOfAnswer({ error }: Answer): number {
  return error === undefined ? 200 : statusOf(error)
}

function inJson({ topic, payload, at, retained }: Value): object {
  const bytes = Buffer.from(payload)
  const content = isUtf8(bytes) ? { text: bytes.toString() } : { base64: bytes.toString('base64') }
  return { topic, ...content, sizeBytes: bytes.length, time: at === null ? null : new Date(at).toISOString(), retained }
}

function sendPlain(reply: FastifyReply, { payload, at, retained }: Value): FastifyReply {
  reply.type(isUtf8(payload) ? 'text/plain; charset=utf-8' : 'application/octet-stream')
  reply.header('skerry-retained', String(retained))
  if (at !== null) reply.header('skerry-time', new Date(at).toISOString())
  return reply.send(Buffer.from(payload))
}
