// What topics are answered with over HTTP.
import { Type } from 'typebox'
import { verbs } from '../../../protocol/command-topics.js'
import { runStates } from '../../../protocol/messages/manifest.js'
import { nullable, oneOf, RefusalSchema, ref, time } from './basics.js'

export const AnswerSchema = Type.Object(
  {
    code: Type.Integer({ description: '0 is done, or so already; the others are those of topics.md.' }),
    text: Type.String({ description: 'One line of at most 100 characters.' }),
    id: Type.Optional(Type.String()),
    verb: Type.Optional(oneOf(verbs)),
    app: Type.Optional(Type.String()),
    changed: Type.Optional(Type.Boolean()),
    revision: Type.Optional(Type.Integer()),
    version: Type.Optional(Type.String()),
    run: Type.Optional(oneOf(runStates)),
    permit: Type.Optional(nullable(Type.Integer({ description: 'Of a permit: 1, 0, or null where none is asked for any more.' }))),
    leaseS: Type.Optional(Type.Integer()),
    repeated: Type.Optional(Type.Boolean()),
    error: Type.Optional(Type.String({ description: 'An error code; the status is that of its kind.' })),
    message: Type.Optional(Type.String()),
    path: Type.Optional(Type.String()),
    others: Type.Optional(Type.Array(ref(RefusalSchema))),
    warnings: Type.Optional(Type.Array(ref(RefusalSchema))),
  },
  {
    $id: 'Answer',
    description: 'The answer to a command or a permit, the same as on …/json below its answer topic; also where it was refused.',
  },
)

export const PublishedSchema = Type.Object(
  { topic: Type.String({ description: 'Its whole name.' }), sizeBytes: Type.Integer(), retained: Type.Boolean() },
  { $id: 'Published' },
)

export const ValueSchema = Type.Object(
  {
    topic: Type.String({ description: 'Its whole name.' }),
    text: Type.Optional(Type.String({ description: 'Of what is UTF-8; other values have base64.' })),
    base64: Type.Optional(Type.String()),
    sizeBytes: Type.Integer(),
    time: nullable(Type.Unsafe<string>({ ...time, description: 'When it came; null for what was retained before the manager listened.' })),
    retained: Type.Boolean({ description: 'The broker keeps it, and tells it to whoever subscribes.' }),
  },
  { $id: 'Value' },
)
