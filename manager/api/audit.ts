// Routes of the audit trail: what it says, and whether it is as it was written.
import { type Static, Type } from 'typebox'
import { SkerryError } from '../../protocol/errors.js'
import type { Verification } from '../audit/chain.js'
import { type AuditHead, type AuditRow, auditOutcomes, auditVias, formatHead, parseHead } from '../core/audit.js'
import type { Fleet } from '../fleet.js'
import { readAudit } from '../store/audit.js'
import { admin } from './access.js'
import { nullable, oneOf, ProblemSchema, queryOf, ref } from './schemas/basics.js'
import type { Api } from './server.js'
import { parseSince } from './since.js'

const rowSchema = Type.Object({
  number: Type.Integer(),
  at: Type.String({ format: 'date-time' }),
  who: Type.String({ description: 'A user’s or a token’s name; empty: nobody that is known.' }),
  via: oneOf(auditVias),
  from: Type.String({ description: 'An address; empty if it came from none.' }),
  action: Type.String({ description: 'What its event is called; of what was refused over HTTP, the route.' }),
  target: Type.String({ description: 'Such as groups/line-1/apps/web.' }),
  outcome: oneOf(auditOutcomes),
  code: nullable(Type.String()),
  count: Type.Integer({ description: 'Repeats of a refusal within a minute share a row.' }),
  detail: Type.String(),
  hash: Type.String({ description: 'SHA-256 of the hash before and this row, in base64url.' }),
})

const verificationSchema = Type.Object({
  intact: Type.Boolean(),
  rows: Type.Integer(),
  head: Type.String({ description: 'The number and hash of the newest row: worth keeping elsewhere.' }),
  broken: Type.Integer(),
  faults: Type.Array(Type.Object({ number: Type.Integer(), message: Type.String() }), { description: 'The first 20.' }),
})

const listQuery = queryOf({
  who: Type.Optional(Type.String()),
  action: Type.Optional(Type.String()),
  target: Type.Optional(Type.String({ description: 'With everything below it: groups/line-1 finds groups/line-1/apps/web.' })),
  outcome: Type.Optional(oneOf(auditOutcomes)),
  code: Type.Optional(Type.String()),
  since: Type.Optional(Type.String({ description: 'Such as 2h, or a date and time.' })),
  after: Type.Optional(Type.Integer({ minimum: 0, description: 'Only rows after this number, oldest first.' })),
  before: Type.Optional(Type.Integer({ minimum: 0, description: 'Only rows before this number.' })),
  limit: Type.Optional(Type.Integer({ minimum: 1, maximum: 1000 })),
})

export function auditRoutes(api: Api, fleet: Fleet): void {
  const tags = ['audit']

  api.get(
    '/audit',
    {
      config: admin('fleet'),
      schema: {
        tags,
        summary: 'Who did what, and what was refused; oldest first: the rows after a number, or the newest ones.',
        querystring: listQuery,
        response: { 200: Type.Object({ items: Type.Array(rowSchema) }), 400: ref(ProblemSchema) },
      },
    },
    async ({ query: { since, after, before, limit = 100, ...filter } }) => {
      const sinceMs = since === undefined ? undefined : parseSince(since, fleet.clock.now()) * 1000
      return { items: readAudit(fleet.db, { ...filter, since: sinceMs }, { after, before, limit }).map(showRow) }
    },
  )

  api.get(
    '/audit/verify',
    {
      config: admin('fleet'),
      schema: {
        tags,
        summary: 'Reads the whole trail: whether a row was changed, removed or added.',
        querystring: queryOf({ head: Type.Optional(Type.String({ description: 'A head of before: whether it is still in the trail.' })) }),
        response: { 200: verificationSchema, 400: ref(ProblemSchema) },
      },
    },
    async ({ query: { head } }) => showVerification(await fleet.audit.verify(head === undefined ? undefined : readHead(head))),
  )
}

function showRow({ at, hash, ...row }: AuditRow): Static<typeof rowSchema> {
  return { ...row, at: new Date(at).toISOString(), hash: Buffer.from(hash).toString('base64url') }
}

function readHead(text: string): AuditHead {
  const head = parseHead(text)
  if (head !== undefined) return head
  throw new SkerryError('request.invalid', 'a head is a number, a colon and 43 characters of base64url', { path: 'head' })
}

function showVerification({ rows, last, broken, faults }: Verification): Static<typeof verificationSchema> {
  return { intact: broken === 0, rows, head: formatHead(last), broken, faults: faults.map(fault => ({ ...fault })) }
}
