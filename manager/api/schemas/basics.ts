// What the shapes of the API's answers are made of.
import { type Static, type TProperties, type TSchema, Type } from 'typebox'

export function oneOf<const T extends readonly string[]>(values: T) {
  return Type.Unsafe<T[number]>({ type: 'string', enum: [...values] })
}

/** What is misspelt in a URL is refused as what is misspelt in a body. */
export function queryOf<const P extends TProperties>(properties: P) {
  return Type.Object(properties, { additionalProperties: false })
}

export function nullable<T extends TSchema>(schema: T) {
  return Type.Union([schema, Type.Null()])
}

/** A shared schema by its name, so that it stands once in the OpenAPI text. */
export function ref<T extends TSchema>(schema: T) {
  const { $id } = schema as T & { $id?: string }
  return Type.Unsafe<Static<T>>({ $ref: `${$id}#` })
}

export function listOf<T extends TSchema>(schema: T) {
  return Type.Object({ items: Type.Array(ref(schema)) })
}

export const time = Type.String({ format: 'date-time' })

/** What people name things: no control characters. */
// biome-ignore lint/suspicious/noControlCharactersInRegex: these are refused
export const shownText = /^[^\x00-\x1f\x7f]*$/

export const RefusalSchema = Type.Object(
  { code: Type.String(), message: Type.String(), path: Type.Optional(Type.String()) },
  { $id: 'Refusal', description: 'Why something was not done: a stable code, a sentence, and where the fault is.' },
)

export const ProblemSchema = Type.Object(
  {
    type: Type.String(),
    title: Type.String(),
    status: Type.Integer(),
    code: Type.String({ description: 'Stable: a code, once released, keeps its meaning.' }),
    detail: Type.String(),
    path: Type.Optional(Type.String({ description: 'Where in the request the fault is, such as services.web.ports[0].' })),
    errors: Type.Optional(Type.Array(ref(RefusalSchema), { description: 'All reasons, when there are several.' })),
  },
  { $id: 'Problem', description: 'RFC 9457, application/problem+json' },
)
export type Problem = Static<typeof ProblemSchema>
