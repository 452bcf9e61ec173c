// How links are used, as the API takes and shows it.
import { type Static, Type } from 'typebox'
import { longestIntervalS, longestKeepaliveS } from '../../../protocol/link.js'
import { profileNames } from '../../../protocol/messages/link.js'
import { nullable, oneOf, ref } from './basics.js'

const whole = (minimum: number, maximum: number, description: string) => Type.Integer({ minimum, maximum, description })
const most = 0x7fffffff

const times = {
  intervalS: whole(1, longestIntervalS, 'Between heartbeats.'),
  keepaliveS: whole(
    1,
    longestKeepaliveS,
    'Without an answer of the broker one is asked for after this long; twice intervalS and 2 s at least.',
  ),
  metricsS: whole(0, 86_400, 'Between heartbeats that carry metrics; 0: all do.'),
  reportMs: whole(100, 3_600_000, 'Between two reports, at least.'),
  usageS: whole(10, 86_400, 'Between two accounts of the bytes used.'),
}
const changes = Type.Boolean({ description: 'Reports say only what has changed.' })
const limits = {
  logBytesPerS: nullable(whole(128, most, 'Of logs, on the average; null: no limit.')),
  logBytes: nullable(whole(1024, most, 'Of logs, in one request; null: no limit.')),
  pulls: nullable(whole(1, 100, 'Images pulled or built at a time; null: no limit.')),
  budgetBytes: nullable(whole(1, Number.MAX_SAFE_INTEGER, 'Bytes a month; null: none.')),
}
const quiet = Type.Unsafe<readonly string[]>(
  Type.Array(Type.String({ maxLength: 40 }), {
    maxItems: 16,
    description: 'Such as 22:00-06:00, in UTC: no pull begins and no telemetry is sent.',
  }),
)
const profile = Type.String({
  pattern: '^[a-z0-9][a-z0-9-]{0,31}$',
  description: `${profileNames.join(', ')}, or another name for settings of your own, which begin from lan.`,
})

export const linkSetting = Type.Object(
  { profile, ...Type.Partial(Type.Object({ ...times, changes, ...limits, quiet })).properties },
  { additionalProperties: false, description: 'A profile, and what differs from it.' },
)

export const LinkSchema = Type.Object(
  {
    profile,
    ...times,
    changes,
    ...limits,
    quiet,
    notReadyAfterS: Type.Integer({ description: 'A device that stays silent is NotReady so long after its last heartbeat.' }),
  },
  { $id: 'Link', description: 'How a link is used: all of its settings.' },
)

export const linkOwner = nullable(
  Type.Object(
    { kind: oneOf(['device', 'group'] as const), name: Type.String() },
    { description: 'Whose setting it is; null: nobody set any, and it is as the agent was started.' },
  ),
)

export const LinkStandingSchema = Type.Object(
  {
    setting: nullable(linkSetting),
    link: nullable(ref(LinkSchema)),
    of: linkOwner,
  },
  { $id: 'LinkStanding', description: 'What is set here; and what holds: of a group null where nothing is set.' },
)
export type LinkStandingView = Static<typeof LinkStandingSchema>
