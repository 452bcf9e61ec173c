// Routes of the keys that sign what devices are to run.
import { Type } from 'typebox'
import type { Fleet } from '../fleet.js'
import { listKeys, rotateKey, type SigningKey } from '../signing-keys.js'
import { admin, viewer } from './access.js'
import type { Api } from './server.js'

const keySchema = Type.Object({
  number: Type.Integer({ description: 'Counted from 1.' }),
  id: Type.String({ description: 'The first 8 bytes of the SHA-256 of the public key, in hexadecimal digits.' }),
  createdAt: Type.String({ format: 'date-time' }),
  current: Type.Boolean({ description: 'It signs now; the others are retired.' }),
  devices: Type.Integer({ description: 'How many devices said that they go by it.' }),
})

export function keyRoutes(api: Api, fleet: Fleet): void {
  const tags = ['keys']

  api.get(
    '/keys',
    {
      config: viewer('fleet'),
      schema: { tags, summary: 'All signing keys, newest first.', response: { 200: Type.Object({ items: Type.Array(keySchema) }) } },
    },
    async () => ({ items: listKeys(fleet).map(show) }),
  )

  api.post(
    '/keys',
    {
      config: admin('fleet'),
      schema: {
        tags,
        summary: 'Makes a new key, which signs from now on; devices come to it by themselves and then accept none before it.',
        response: { 201: keySchema },
      },
    },
    async (_request, reply) => {
      reply.code(201)
      return show(rotateKey(fleet))
    },
  )
}

function show({ createdAt, ...key }: SigningKey) {
  return { ...key, createdAt: new Date(createdAt).toISOString() }
}
